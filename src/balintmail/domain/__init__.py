"""Pure decisions and values. No I/O, no clock, no database; the standard library and email-validator only."""
