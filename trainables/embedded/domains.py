"""The subject areas of the built-in corpus: tables, columns and the values they hold.

A line of `_DOMAINS` is one domain: its name, a main table and a table that refers to it. The first
column of the main table is its key; the first column of the second table holds such keys. `@pool`
names a pool of words and `#pool` a pool of numbers that several domains share. Words stand in
questions as they stand in the schema, so that one word is one token everywhere.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

WORD_POOLS = {
    "people": "Ana Ben Cara Dan Eva Finn Gina Hugo Ines Jon",
    "cities": "Paris Rome Oslo Lima Cairo Delhi Boston Tokyo",
    "countries": "Brazil Canada France India Japan Kenya Norway Peru",
    "regions": "North South East West",
    "months": "March April June August October",
    "states": "open closed pending",
    "colors": "red blue green black white",
    "levels": "low medium high",
}
NUMBER_POOLS: dict[str, tuple[int, ...]] = {
    "small": (1, 2, 3, 4, 5, 6, 7, 8, 9),
    "tens": (10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90),
    "hundreds": (100, 120, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900),
    "years": tuple(range(2012, 2025)),
}

_DOMAINS = """
hospitality | hotels name=Astoria,Bellevue,Carlton,Drake,Ritz city=@cities style=budget,luxury,family price=#hundreds stars=#small | bookings hotel guest=@people nights=#small
music | songs title=Echo,Mirage,Velvet,Horizon,Ember genre=rock,jazz,pop,folk singer=@people year=#years minutes=#small | plays song listener=@people hours=#tens
film | movies title=Vertigo,Alien,Casablanca,Metropolis,Solaris genre=drama,comedy,horror country=@countries budget=#hundreds year=#years | screenings movie cinema=Odeon,Rex,Lux seats=#hundreds
publishing | books title=Ulysses,Emma,Dune,Walden,Beloved publisher=Penguin,Vintage,Harper language=English,French,Spanish pages=#hundreds year=#years | loans book reader=@people days=#tens
aviation | planes model=Falcon,Comet,Condor,Swift,Osprey airline=Delta,Emirates,Iberia country=@countries seats=#hundreds reach=#hundreds | flights plane destination=@cities delay=#tens
railways | trains name=Arrow,Meteor,Rocket,Mistral,Comet operator=Amtrak,Renfe,Thalys region=@regions speed=#hundreds coaches=#small | departures train station=@cities passengers=#hundreds
shipping | ships name=Aurora,Neptune,Poseidon,Triton,Orca flag=@countries status=docked,sailing,retired tons=#hundreds built=#years | voyages ship harbor=@cities weeks=#small
automotive | cars model=Polo,Corsa,Civic,Fiesta,Yaris brand=Honda,Ford,Toyota color=@colors price=#hundreds doors=#small | repairs car mechanic=@people cost=#tens
retail | products name=lamp,chair,desk,sofa,shelf category=office,home,garden color=@colors price=#tens stock=#hundreds | orders product customer=@people quantity=#small
grocery | fruits name=apple,mango,cherry,melon,lemon season=spring,summer,autumn origin=@countries price=#small calories=#tens | sales fruit market=@cities boxes=#tens
restaurants | dishes name=risotto,ramen,paella,curry,taco cuisine=Italian,Thai,Mexican spice=@levels price=#tens minutes=#small | reviews dish critic=@people rating=#small
coffee | coffees name=espresso,mocha,latte,lungo,flat roast=light,dark,blond origin=@countries price=#small strength=#tens | tastings coffee barista=@people points=#tens
banking | accounts owner=@people kind=savings,checking,joint branch=@cities balance=#hundreds opened=#years | transfers account month=@months amount=#tens
insurance | policies code=Alpha,Bravo,Gamma,Omega,Sigma kind=health,travel,fire region=@regions premium=#hundreds years=#small | claims policy state=@states payout=#tens
healthcare | patients name=@people ward=cardiology,surgery,oncology city=@cities age=#tens visits=#small | treatments patient drug=aspirin,insulin,codeine dose=#hundreds
pharmacy | drugs name=aspirin,insulin,codeine,heparin,quinine form=pill,syrup,cream maker=Bayer,Pfizer,Roche price=#tens dose=#hundreds | prescriptions drug doctor=@people refills=#small
education | students name=@people major=physics,history,biology city=@cities age=#tens credits=#hundreds | exams student subject=algebra,chemistry,grammar score=#tens
universities | courses title=algebra,chemistry,grammar,logic,ethics department=science,arts,law level=@levels credits=#small hours=#tens | enrollments course pupil=@people term=#small
sports | players name=@people team=Lions,Hawks,Bears position=guard,center,forward goals=#tens age=#small | injuries player month=@months days=#tens
football | clubs name=Arsenal,Celtic,Porto,Ajax,Milan league=premier,national,regional city=@cities points=#tens titles=#small | matches club opponent=Lions,Hawks,Bears goals=#small
museums | paintings title=Guernica,Olympia,Primavera,Nocturne,Scream style=cubist,gothic,modern painter=@people value=#hundreds year=#years | exhibits painting museum=Louvre,Prado,Tate visitors=#hundreds
theater | operas title=Carmen,Tosca,Aida,Norma,Fidelio composer=Verdi,Bizet,Puccini language=Italian,French,German acts=#small year=#years | tickets opera buyer=@people price=#tens
gaming | games title=Tetris,Portal,Doom,Myst,Zelda genre=puzzle,action,strategy studio=Nintendo,Valve,Atari price=#tens year=#years | scores game gamer=@people points=#hundreds
technology | laptops model=Zenbook,Pavilion,Aspire,Latitude,Nitro brand=Asus,Dell,Acer color=@colors price=#hundreds memory=#small | returns laptop client=@people days=#tens
telecom | plans name=basic,plus,premium,ultra,starter network=fiber,cable,mobile region=@regions price=#tens gigabytes=#hundreds | subscribers plan user=@people months=#small
software | bugs code=Alpha,Bravo,Gamma,Omega,Sigma severity=@levels status=@states age=#tens votes=#hundreds | patches bug author=@people lines=#hundreds
energy | plants name=Ridge,Valley,Harbor,Prairie,Canyon fuel=solar,wind,coal,gas country=@countries output=#hundreds built=#years | outages plant month=@months hours=#small
mining | mines name=Boulder,Cobalt,Quarry,Summit,Granite metal=gold,copper,silver country=@countries depth=#hundreds workers=#tens | accidents mine cause=flood,blast,smoke injured=#small
agriculture | farms name=Meadow,Orchard,Willow,Sunny,Acorn crop=wheat,maize,rice region=@regions acres=#hundreds tractors=#small | harvests farm month=@months tons=#tens
fishing | boats name=Pelican,Heron,Gull,Marlin,Dolphin harbor=@cities gear=net,line,trap length=#tens crew=#small | catches boat fish=tuna,salmon,cod weight=#hundreds
wildlife | animals name=Leo,Nala,Kiko,Bruno,Luna species=tiger,panda,wolf habitat=forest,desert,river age=#small weight=#hundreds | sightings animal ranger=@people distance=#tens
parks | trails name=Cedar,Eagle,Lakeside,Pine,Sunset difficulty=@levels park=Yosemite,Zion,Denali miles=#small height=#hundreds | hikes trail hiker=@people minutes=#tens
climate | stations name=Ridge,Harbor,Summit,Lakeside,Canyon country=@countries terrain=coast,forest,desert altitude=#hundreds sensors=#small | readings station month=@months rain=#tens
space | missions name=Apollo,Voyager,Juno,Pioneer,Galileo target=Mars,Venus,Saturn agency=NASA,ESA,JAXA cost=#hundreds year=#years | crews mission astronaut=@people flights=#small
defense | bases name=Aurora,Summit,Granite,Eagle,Meadow branch=army,navy,marines country=@countries soldiers=#hundreds hangars=#small | drills base month=@months hours=#tens
politics | senators name=@people party=Labor,Liberal,Green state=Texas,Ohio,Utah votes=#hundreds elected=#years | bills senator topic=taxes,housing,schools pages=#tens
law | lawyers name=@people field=criminal,civil,family city=@cities fee=#hundreds wins=#tens | cases lawyer court=supreme,district,appeal days=#hundreds
charity | donors name=@people kind=private,company,church country=@countries total=#hundreds since=#years | gifts donor cause=hunger,shelter,schools amount=#tens
housing | houses street=Maple,Oak,Elm,Birch,Walnut city=@cities kind=villa,loft,studio rent=#hundreds rooms=#small | tenants house renter=@people months=#tens
employment | employees name=@people department=finance,sales,design office=@cities salary=#hundreds age=#tens | shifts employee day=Monday,Friday,Sunday hours=#small
"""  # noqa: E501 - one domain a line reads better than wrapped ones


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name, one word.
        values: The words, or the numbers, that its rows may hold.
    """

    name: str
    values: tuple[str | int, ...]

    @functools.cached_property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return isinstance(self.values[0], int)


@dataclass(frozen=True)
class Domain:
    """A subject area: a main table and a second one that refers to it by key.

    Attributes:
        name: As in the rows' `domain`.
        table: Name of the main table.
        key: The main table's first column; its values are distinct within a context.
        texts: The main table's columns of words besides the key.
        numbers: The main table's columns of numbers.
        child: Name of the second table.
        link: The second table's column of keys of the main table.
        child_text: The second table's column of words.
        child_number: The second table's column of numbers.
    """

    name: str
    table: str
    key: Column
    texts: tuple[Column, ...]
    numbers: tuple[Column, ...]
    child: str
    link: str
    child_text: Column
    child_number: Column


def _column(text: str) -> Column:
    name, values = text.split("=")
    if values.startswith("#"):
        return Column(name, NUMBER_POOLS[values[1:]])
    if values.startswith("@"):
        return Column(name, tuple(WORD_POOLS[values[1:]].split()))
    return Column(name, tuple(values.split(",")))


def _domain(line: str) -> Domain:
    name, main, second = (part.split() for part in line.split(" | "))
    key, *rest = (_column(column) for column in main[1:])
    child_text, child_number = (_column(column) for column in second[2:])
    return Domain(
        name=name[0],
        table=main[0],
        key=key,
        texts=tuple(column for column in rest if not column.numeric),
        numbers=tuple(column for column in rest if column.numeric),
        child=second[0],
        link=second[1],
        child_text=child_text,
        child_number=child_number,
    )


DOMAINS: tuple[Domain, ...] = tuple(_domain(line) for line in _DOMAINS.strip().splitlines())
