"""The page: runs, datasets, lineage and deliveries in a browser, and the same as JSON. Needs the extra ``ui``.

- ``app.application``: the ASGI application; ``serve.serve``: it, on a port.
- ``documents``: what is shown, and what the API answers with; ``gather``: from the store to these.
- ``charts``, ``shown``, ``pages`` and ``templates``: from a document to HTML.
- ``guard``: who may ask, by which name; what a browser may do.
"""
