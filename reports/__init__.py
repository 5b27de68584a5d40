"""The problem profile as a document, and the workbooks that go with it."""
