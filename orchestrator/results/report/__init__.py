"""A sweep as one page for people: what it asked, what it answers, and what that rests on.

`content` puts the page together of sections, which show what the other modules of `results`
compute; nothing is computed here. `page` writes it as HTML, `markdown` for a pull request.
"""
