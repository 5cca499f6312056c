# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail transaction, and what the service has against it."""

from emulator.envelope import NOBODY, TOO_BIG
from emulator.record import Message

SENDER_REFUSED = b"550 5.3.5 Email sender's username is invalid"
TOO_FAST = b"450 4.5.127 Message rejected. Excessive message rate from sender"
TOO_MANY = b"452 4.5.3 Too many recipients"
NO_SMTPUTF8 = b"553 5.6.7 Address needs SMTPUTF8"


class Transaction:
    def __init__(self, session, sender, parameters):
        self.message = Message(sender, parameters)
        self._session = session
        self._options = session.options
        self._size = 0

    def refuse_sender(self, step):
        """The reply to a sender or a message that is refused at this step, or None."""
        options, message = self._options, self.message
        if step == "mail":
            if self._needs_smtputf8(message.sender):
                return NO_SMTPUTF8
            if options.max_size and int(
                    message.mail_parameters.get("SIZE", 0)) > options.max_size:
                return TOO_BIG
        listed = options.senders is None or message.sender.lower() in options.senders
        if options.sender_check == step and not listed:
            return SENDER_REFUSED
        if options.rate_check == step and not self._session.emulator.rates.take():
            return TOO_FAST
        return None

    def add_recipient(self, address, parameters):
        if self._needs_smtputf8(address):
            return NO_SMTPUTF8
        if len(self.message.recipients) >= self._options.max_recipients:
            return TOO_MANY
        self.message.recipients.append(address)
        self.message.rcpt_parameters.append(parameters)
        return b"250 2.1.5 Recipient OK"

    def _needs_smtputf8(self, address):
        if address.isascii() or "SMTPUTF8" in self.message.mail_parameters:
            return False
        self._session.violate(f"{address!r} was sent without SMTPUTF8")
        return True

    def add_chunk(self, chunk):
        self.message.by = "BDAT"
        self.message.chunks.append(len(chunk))
        self._size += len(chunk)
        if not self.too_big():
            self.message.data += chunk

    def may_use_data(self):
        return not self.message.chunks and \
            self.message.mail_parameters.get("BODY") != "BINARYMIME"

    def too_big(self):
        return self._options.max_size and \
            max(self._size, len(self.message.data)) > self._options.max_size

    def end(self):
        """Its content is complete. Kept, whatever will be said to it."""
        self._session.messages.append(self.message)
        for violation in self.message.violations(self._session.offered):
            self._session.violate(violation)

    def verdict(self):
        if not self.message.recipients:
            return NOBODY
        if self.too_big():
            return TOO_BIG
        refusal = self.refuse_sender("body")
        if refusal:
            return refusal
        self.message.accepted = True
        self._session.emulator.received(self._session, self.message)
        return b"250 2.6.0 Queued mail for delivery"
