"""What is wrong with a setting, in words of people: pydantic's names for it, and ours.

`{section}` stands for the section that the setting belongs into. It checks nothing; config.py does.
"""

IN_OUR_WORDS = {
    "int_parsing": "it takes a whole number",
    "int_type": "it takes a whole number",
    "int_from_float": "it takes a whole number",
    "bool_parsing": "it takes true or false",
    "bool_type": "it takes true or false",
    "string_type": "it takes a text in quotation marks",
    "date_type": "it takes a day such as 2026-11-01",
    "date_parsing": "it takes a day such as 2026-11-01",
    "date_from_datetime_parsing": "it takes a day such as 2026-11-01",
    "date_from_datetime_inexact": "it takes a day such as 2026-11-01",
    "model_type": "its settings stand in a section, [{section}]",
    "dict_type": "its settings stand in a section, [{section}]",
}
