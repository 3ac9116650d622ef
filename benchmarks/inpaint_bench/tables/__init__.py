"""Tables of results: whole, for the terminal and the page, and chosen ones, for documents."""
