"""The same signed folder in other spellings: JSON, numbers, text, signatures and keys.

`test_signed_mutations` changes what is said. Here it is said in another form, which one reader may
take for the same and another for something else. What may pass is listed, with the reason.
"""

import base64
import copy
import json
import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.thorough import THOROUGH
from toolkit.core.errors import ConfigError
from toolkit.core.proof import kept
from toolkit.core.proof.signature import PAYLOAD_TYPE, fingerprint
from toolkit.core.proof.verdict import Ruling

from .kept_runs import Files
from .sealing import Key
from .test_kept_folder_files import judged, on_disk
from .test_mutations import at, changed, leaves
from .test_signed_mutations import FREE, KEY, OTHER, SIGNED, anew, ruling

# The order of the curve, https://neuromancer.sk/std/secg/secp256r1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
READ_ANEW = (kept.VERDICT,)  # what was judged then; it is judged anew
DOCUMENTS = sorted(name for name in SIGNED if name.endswith(".json") and name not in READ_ANEW)


def passing(ways: Iterator[tuple[str, Files]]) -> tuple[list[str], int]:
    """The ways that pass, with every checksum made anew that can be, and how many there were."""
    found, count = [], 0
    for way, files in ways:
        count += 1
        if any(ruling(each) is Ruling.PASS for each in spellings(files)):
            found.append(way)
    return found, count


def spellings(files: Files) -> Iterator[Files]:
    yield files
    try:
        # As json.loads would write it: only where that does not take the spelling back.
        yield from anew(files) if files["evidence.json"] == SIGNED["evidence.json"] else ()
    except (ValueError, KeyError, TypeError):
        return


# --- JSON -----------------------------------------------------------------------------------------


def with_doubled_keys(name: str) -> Iterator[tuple[str, Files]]:
    """Every key of every object twice: another value before the true one, and behind it."""
    document = json.loads(SIGNED[name])
    for path in leaves(document):
        if not isinstance(path[-1], str):
            continue
        for way in ("before", "behind"):
            spoiled = copy.deepcopy(document)
            parent = at(spoiled, path[:-1])
            other = {"TWICE": changed(parent[path[-1]])}
            entries = {**other, **parent} if way == "before" else {**parent, **other}
            parent.clear()
            parent.update(entries)
            text = json.dumps(spoiled).replace('"TWICE"', json.dumps(path[-1]))
            yield f"{name}:{'/'.join(map(str, path))} {way}", {**SIGNED, name: text.encode()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_key_of_a_document_may_stand_twice(name: str) -> None:
    survivors, count = passing(with_doubled_keys(name))
    assert survivors == []
    assert count > 5


def confusable(text: str) -> Iterator[str]:
    """Other text that looks the same, or that some reader takes for the same."""
    fullwidth = {ord(digit): chr(0xFF10 + int(digit)) for digit in "0123456789"}
    for other in (
        text.replace("a", "\u0430", 1),  # Cyrillic
        text.translate(fullwidth),
        f"{text}\u200b",
        f"{text} ",
        f"{text}\x00",
        text.upper(),
        unicodedata.normalize("NFD", f"{text}\u00e9"),
    ):
        if other != text:
            yield other


def with_confusable_text(name: str) -> Iterator[tuple[str, Files]]:
    document = json.loads(SIGNED[name])
    for path in leaves(document):
        value = at(document, path)
        if not isinstance(value, str) or is_free(name, path):
            continue
        for other in confusable(value):
            spoiled = copy.deepcopy(document)
            at(spoiled, path[:-1])[path[-1]] = other
            text = json.dumps(spoiled).encode()
            yield f"{name}:{'/'.join(map(str, path))} {other!r}", {**SIGNED, name: text}


def is_free(name: str, path: tuple[Any, ...]) -> bool:
    place = f"{name}:{'/'.join(map(str, path))}"
    # A hint that DSSE does not sign; the verdict does not repeat it.
    patterns = [*FREE, "signature.json:signatures/0/keyid"]
    return any(fnmatchcase(place, pattern) for pattern in patterns)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_text_that_looks_the_same_passes(name: str) -> None:
    survivors, count = passing(islice(with_confusable_text(name), 0, None, 1 if THOROUGH else 3))
    assert survivors == []
    assert count > 5


def with_other_numbers(name: str) -> Iterator[tuple[str, Files]]:
    """Every whole number as a fraction, with an exponent, in quotes, and as a truth value."""
    document = json.loads(SIGNED[name])
    for path in leaves(document):
        value = at(document, path)
        if isinstance(value, bool) or not isinstance(value, int) or is_free(name, path):
            continue
        for spelling in (f"{value}.0", f"{value}e0", f'"{value}"', "true", f"{value}.0000000001"):
            spoiled = copy.deepcopy(document)
            at(spoiled, path[:-1])[path[-1]] = "NUMBER"
            text = json.dumps(spoiled).replace('"NUMBER"', spelling).encode()
            yield f"{name}:{'/'.join(map(str, path))} {spelling}", {**SIGNED, name: text}


def test_a_number_has_one_spelling() -> None:
    ways = (way for name in DOCUMENTS for way in with_other_numbers(name))
    survivors, count = passing(ways)
    assert survivors == []
    assert count > 50


ENDINGS = (b"\n \n", b"{}", b"\x00", b"x", b",", b"\xef\xbb\xbf", b"\xff")
# The same JSON value: a document that nobody signed may be written otherwise.
WRITTEN_OTHERWISE = ("evidence.json", "lifecycle.json", kept.SIGNATURE)


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_may_follow_a_document(ending: bytes) -> None:
    names = [*DOCUMENTS, kept.LOG]
    ways = ((name, {**SIGNED, name: SIGNED[name] + ending}) for name in names)
    survivors, _ = passing(ways)
    allowed = WRITTEN_OTHERWISE if ending.isspace() else ()
    assert set(survivors) <= set(allowed)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-7"])
def test_a_document_is_utf_8(encoding: str) -> None:
    ways = ((name, {**SIGNED, name: SIGNED[name].decode().encode(encoding)}) for name in DOCUMENTS)
    survivors, _ = passing(ways)
    # Of ASCII, UTF-7 is the same bytes but for a plus sign.
    assert survivors == ([] if encoding != "utf-7" else survivors)


# --- the signature --------------------------------------------------------------------------------


def envelope(**changes: Any) -> bytes:
    return json.dumps({**json.loads(SIGNED[kept.SIGNATURE]), **changes}).encode()


def signed_as(raw: bytes | str, keyid: str = KEY.arn) -> bytes:
    text = raw if isinstance(raw, str) else base64.b64encode(raw).decode()
    return envelope(signatures=[{"keyid": keyid, "sig": text}])


SIG = json.loads(SIGNED[kept.SIGNATURE])["signatures"][0]["sig"]
RAW = base64.b64decode(SIG)
R, S = decode_dss_signature(RAW)


def integer(number: int, padding: int = 0) -> bytes:
    body = number.to_bytes(33, "big").lstrip(b"\0")
    body = b"\0" * padding + (b"\0" + body if body[0] & 0x80 else body)
    return b"\x02" + bytes([len(body)]) + body


def sequence(*parts: bytes, long_form: bool = False) -> bytes:
    body = b"".join(parts)
    return b"\x30" + (b"\x81" if long_form else b"") + bytes([len(body)]) + body


# Of every form of a signature, what another implementation might accept.
FORMS: dict[str, bytes | str] = {
    "r with a zero more": sequence(integer(R, 1), integer(S)),
    "s with a zero more": sequence(integer(R), integer(S, 1)),
    "a length in long form": sequence(integer(R), integer(S), long_form=True),
    "a byte behind it": RAW + b"\0",
    "a third number": sequence(integer(R), integer(S), integer(1)),
    "r alone": sequence(integer(R)),
    "without DER": R.to_bytes(32, "big") + S.to_bytes(32, "big"),
    "s and r": encode_dss_signature(S, R),
    "s plus the order": encode_dss_signature(R, S + ORDER),
    "r plus the order": encode_dss_signature(R + ORDER, S),
    "zeros": encode_dss_signature(0, 0),
    "ones": encode_dss_signature(1, 1),
    "the order": encode_dss_signature(ORDER, ORDER),
    "nothing": b"",
    "base64 with a line break": f"{SIG[:40]}\n{SIG[40:]}",
    "base64 with a space": f" {SIG}",
    "base64 with padding more": f"{SIG}====",
    "base64 without padding": SIG.rstrip("=") if SIG.endswith("=") else SIG[:-1],
    "base64 of URLs": base64.urlsafe_b64encode(b"\xff\xfe" + RAW).decode(),
    "base64 twice": base64.b64encode(SIG.encode()).decode(),
    "hexadecimal": RAW.hex(),
}


@pytest.mark.parametrize("form", FORMS)
def test_no_other_form_of_the_signature_passes(form: str) -> None:
    assert ruling({**SIGNED, kept.SIGNATURE: signed_as(FORMS[form])}) is Ruling.FAIL


def test_base64_has_one_spelling() -> None:
    """The bits behind the last byte are zero: with others, two texts would be one signature."""
    for _ in range(20):
        raw = base64.b64decode(KEY.sign(SIGNED[kept.SEAL]).signatures[0].sig)
        text = base64.b64encode(raw).decode()
        if text.endswith("="):
            break
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = text.rstrip("=")[-1]
    other = text.rstrip("=")[:-1] + digits[digits.index(last) + 1] + "=" * text.count("=")
    assert base64.b64decode(other, validate=True) == raw
    assert ruling({**SIGNED, kept.SIGNATURE: signed_as(text)}) is Ruling.PASS
    assert ruling({**SIGNED, kept.SIGNATURE: signed_as(other)}) is Ruling.FAIL


def test_the_other_signature_of_the_same_bytes_passes() -> None:
    """(r, n - s) is as good as (r, s), and KMS gives either: of the run it says the same."""
    other = signed_as(encode_dss_signature(R, ORDER - S))
    assert ruling({**SIGNED, kept.SIGNATURE: other}) is Ruling.PASS


ENVELOPES = {
    "a payload beside the seal": envelope(payload=base64.b64encode(b"{}").decode()),
    "the seal as its payload": envelope(payload=base64.b64encode(SIGNED[kept.SEAL]).decode()),
    "a type in capitals": envelope(payloadType=PAYLOAD_TYPE.upper()),
    "a type with a space": envelope(payloadType=f"{PAYLOAD_TYPE} "),
    "a type with a parameter": envelope(payloadType=f"{PAYLOAD_TYPE}; charset=utf-8"),
    "no type": envelope(payloadType=""),
    "a type of another kind": envelope(payloadType=None),
    "a list of types": envelope(payloadType=[PAYLOAD_TYPE]),
    "another signature first": envelope(
        signatures=[{"keyid": OTHER.arn, "sig": SIG}, {"keyid": KEY.arn, "sig": SIG}]
    ),
    "a signature that is no object": envelope(signatures=[SIG]),
    "signatures that are an object": envelope(signatures={"0": {"keyid": KEY.arn, "sig": SIG}}),
    "a later format": envelope(format="signature/2"),
    "another format": envelope(format="seal/1"),
}


@pytest.mark.parametrize("way", ENVELOPES)
def test_no_other_envelope_passes(way: str) -> None:
    files = {**SIGNED, kept.SIGNATURE: ENVELOPES[way]}
    assert kept.key_check(files, KEY.public.encode()).problem.startswith(kept.SIGNATURE)
    assert ruling(files) is Ruling.FAIL


def test_the_name_of_another_key_is_never_repeated(tmp_path: Path) -> None:
    """DSSE signs no key id, so the verdict names the key that was given, by its own digest."""
    another = "arn:aws:kms:us-east-1:999999999999:key/of-the-auditor"
    files = {**SIGNED, kept.SIGNATURE: signed_as(SIG, another)}
    last = judged(on_disk(tmp_path / "run", files)).checks[-1]
    assert (last.name, str(last.status)) == ("signature", "OK")
    assert another not in last.detail
    assert fingerprint(KEY.public.encode())[:16] in last.detail


# --- the key --------------------------------------------------------------------------------------


def private_pem(key: Key) -> str:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem: bytes = key.private.private_bytes(*form)
    return pem.decode()


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (KEY.public + OTHER.public, "holds 2 keys"),
        (OTHER.public + KEY.public, "holds 2 keys"),
        (KEY.public * 2, "holds 2 keys"),
        (KEY.public + private_pem(KEY), "holds 2 keys"),
        (private_pem(KEY), "not a public key"),
        (KEY.public.replace("PUBLIC KEY", "CERTIFICATE"), "not a public key"),
        (KEY.public.replace("-----END PUBLIC KEY-----\n", ""), "not a public key"),
        (KEY.public[:60], "not a public key"),
        ("\0" + KEY.arn, "not a public key"),
    ],
)
def test_a_file_that_is_not_one_public_key_is_refused(pem: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kept.key_check(SIGNED, pem.encode())


@pytest.mark.parametrize(
    "pem",
    [
        KEY.public.replace("\n", "\r\n"),
        f"from the account, 2026\n{KEY.public}",
        KEY.public.rstrip(),
    ],
)
def test_a_key_as_editors_leave_it_is_read(pem: str) -> None:
    assert kept.key_check(SIGNED, pem.encode()).problem == ""
