"""What balintmail is measured beside: a script with smtplib, and aiosmtplib's own sendmail. Neither keeps a ledger.

`python -m bench.others script PORT MESSAGES LETTER` builds each message with email.message and sends it over one
connection. `python -m bench.others plain PORT MESSAGES LETTER CONNECTIONS` sends ready-made bytes over several. Both
print one JSON line: seconds from the first message to the last, and how many.
"""

import asyncio
import json
import smtplib
import sys
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

import aiosmtplib

FROM = "bounces@balint.example.org"


def script(port: int, messages: int, letter: bytes) -> float:
    """Send as people write it themselves; return the seconds."""
    parsed = BytesParser(policy=SMTP).parsebytes(letter)
    parts = {part.get_content_type(): part.get_content() for part in parsed.walk() if not part.is_multipart()}
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(messages):
            message = EmailMessage(policy=SMTP)
            message["From"] = f"The Example Balint Society <{FROM}>"
            message["To"] = f"Reader {number} <reader{number}@example.org>"
            message["Subject"] = "Groups this winter"
            message["Message-ID"] = f"<{number}@balint.example.org>"
            message["List-Unsubscribe"] = f"<https://balint.example.org/leave/{number}>"
            message.set_content(parts["text/plain"].replace("colleague", f"Reader {number}"))
            message.add_alternative(parts["text/html"].replace("colleague", f"Reader {number}"), subtype="html")
            server.send_message(message)
    return time.perf_counter() - began


async def plain(port: int, messages: int, letter: bytes, connections: int) -> float:
    """Send ready-made bytes with aiosmtplib as its documentation shows; return the seconds."""
    numbers = iter(range(messages))

    async def lane() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=600)
        await client.connect()
        for number in numbers:
            await client.sendmail(FROM, [f"reader{number}@example.org"], letter)
        await client.quit()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(connections)))
    return time.perf_counter() - began


def main() -> None:
    """Run one side."""
    kind, port, messages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    letter = Path(sys.argv[4]).read_bytes()
    if kind == "script":
        seconds = script(port, messages, letter)
    else:
        seconds = asyncio.run(plain(port, messages, letter, int(sys.argv[5])))
    print(json.dumps({"seconds": seconds, "messages": messages}))


if __name__ == "__main__":
    main()
