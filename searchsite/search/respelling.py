"""Whether what was found asks for other words: of an answer's first page, the question's words put right."""

from __future__ import annotations

from searchsite.library.scope import Scope
from searchsite.search import joining, spelling
from searchsite.search.find import Results
from searchsite.search.questions import Question


def respelled(question: Question, results: Results, scope: Scope) -> str:
    """The question's words with those put right that nothing visible has, or joined to the value that a field lacks;
    "" where none is to be.

    What stands in the page's hits is known, so a question whose words were found costs nothing more.
    """
    texts = [term.text for term in question.terms if term.text and term.weight > 0]
    if len(texts) != 1 or question.cursor is not None:
        return ""
    if not results.hits and (better := joining.joined(texts[0], scope)):
        return better
    seen = [hit.item.title for hit in results.hits]
    seen += [tag for hit in results.hits for tag in hit.item.tags]
    seen += [hit.part.text for hit in results.hits if hit.part is not None]
    return spelling.corrected(texts[0], seen, scope, results.budget)
