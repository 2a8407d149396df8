"""Teachers: models that score how well a document answers a query. A module a kind; `registry` tells them apart."""
