"""Call Slugline from Python: python classify.py ADDRESS [VERSION]. SLUGLINE_TLS_CA and SLUGLINE_TOKEN may be set."""

import os
import sys

from slugline_client import CallError, Client, Document, Result, Tls


def show(client: Client, version: str) -> None:
    """One document with evidence, then many."""
    title, text = "Envoys in Geneva", "Ministers held talks on a treaty while troops shelled the border."
    result = client.classify(Document(text, title), evidence_terms=3, model_version=version, timeout=5)
    for topic in result.topics:
        terms = topic.evidence.terms if topic.evidence else ()
        print(f"{topic.topic} {topic.score:.3f} {'yes' if topic.assigned else 'no'} {terms[0].term if terms else '-'}")
    documents = [Document("The ambassador signed the treaty at the summit.", id="a"), Document(" ", id="b")]
    for outcome in client.classify_many(documents):
        if isinstance(outcome, Result):
            print(f"{outcome.document_id}: {', '.join(outcome.assigned) or 'none'}")
        else:
            print(f"{outcome.document_id}: {outcome.reason}: {outcome.message}")


def main(address: str, version: str = "") -> int:
    """Exit status 1 where a call failed."""
    ca = os.environ.get("SLUGLINE_TLS_CA")
    tls = Tls.from_files(ca) if ca else None
    try:
        with Client(address, tls=tls, token=os.environ.get("SLUGLINE_TOKEN", "")) as client:
            show(client, version)
    except CallError as error:
        print(f"{error.code.name}: {error.field or error.serving}: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
