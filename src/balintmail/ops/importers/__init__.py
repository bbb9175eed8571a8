"""Read people out of files of every origin and hand them over as typed rows; it writes nothing and knows no database.

`reading.py` is the door: a file becomes a table (`text.py`, `workbook.py`, `document.py`), the table's columns get
their meaning (`columns.py`, `tools.py`), and each line becomes one `domain.imports.ImportRow` (`rows.py`).
"""
