"use strict";
// `ast`: expressions are interpreted, so that the page needs no eval, which its policy forbids.
const options = { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
for (const plot of document.querySelectorAll(".plot")) {
  const chart = JSON.parse(plot.nextElementSibling.textContent);
  const columns = Math.max(1, Math.floor(plot.clientWidth / 210));
  chart.config.legend.columns = columns;
  // Less what stands left of the plot, and a symbol: a longer label would leave the page.
  chart.config.legend.labelLimit = (plot.clientWidth - 70) / columns - 30;
  vegaEmbed(plot, chart, options).catch((error) => {
    plot.textContent = "This plot could not be drawn; its data is below.";
    console.error(error);
  });
}
