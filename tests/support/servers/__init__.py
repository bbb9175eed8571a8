"""Real mail servers for the tests: Postfix, Exim, OpenSMTPD and smtp-sink, each private to one test process.

They listen on free ports of 127.0.0.1, keep everything under the folder of the test run, deliver whatever they take
into one Maildir and forward nothing; none is ever a service of the machine, and daemon.py sees them gone at the end,
also when the tests are killed. What was delivered, and whether the ledger agrees, is delivered.py's to say.
"""
