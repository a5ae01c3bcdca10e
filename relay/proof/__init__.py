"""How a sender proves itself: a secret it knows, or a signature over the raw bytes that it sent.

Nothing here raises on what a sender chose, compares secrets in a time that tells anything, or names one in a reason.
"""

from relay.proof.form import HmacForm, ProofForm
from relay.proof.keys import Key
from relay.proof.proof import Proof, ProofResult
from relay.proof.sign import proving_headers
from relay.proof.verify import verify

__all__ = ["HmacForm", "Key", "Proof", "ProofForm", "ProofResult", "proving_headers", "verify"]
