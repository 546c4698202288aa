"""The account's books."""

from flask import Response

from routes.books_views import AccountBooksView
from routes.resource import resource
from routes.services import services
from routes.views import answer

bp = resource("books", "Books")


@bp.get("/books", responses={200: AccountBooksView})
def books() -> Response:
    """Give every grid's money, the sums, and every change of the account's balances explained."""
    return answer(AccountBooksView.of(services().snapshots.books()))
