"""Runs the published schema and golden frames through the PyPI package `sbe`, both ways.

It knows nothing of the Rust code: it reads portcullis-sbe.xml and frames.txt as any writer of a client
would. Every golden frame must decode to the fields beside it, and those fields must encode to the same
bytes. Usage: third_party_sbe.py SCHEMA FRAMES. Exit code 0 when all agree, 1 when not, 77 when the
package is not installed.
"""

import sys

from published import framed, length_of, read_schema, sbe


def golden(path):
    """Yields (message, instance, {field: text}, frame)."""
    with open(path, encoding="ascii") as lines:
        entry = None
        for line in lines:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            if not line.startswith("  "):
                name, instance = line.split(" ", 1)
                entry = (name, instance, {})
                continue
            field, value = line[2:].split(" = ", 1)
            if field == "frame":
                yield (*entry, bytes.fromhex(value))
            else:
                entry[2][field] = value


def value_of(field, text):
    """The Python value that the package uses for what the golden file says."""
    if text == "null":
        return None
    if text.startswith('"'):
        return text[1:-1]
    if isinstance(field.type, sbe.Enum):
        return text
    return int(text)


def main(schema_path, frames_path):
    schema, by_name = read_schema(schema_path)
    seen, wrong, count = set(), [], 0
    for name, instance, texts, frame in golden(frames_path):
        count += 1
        message = by_name[name]
        seen.add(name)
        label = f"{name} {instance}"

        if length_of(frame) != len(frame):
            wrong.append(f"{label}: framing header {frame[:4].hex()}")
        if [field.name for field in message.fields] != list(texts):
            wrong.append(f"{label}: field names differ")
            continue
        expected = {f.name: value_of(f, texts[f.name]) for f in message.fields}

        decoded = schema.decode(frame[4:])
        header = {
            "blockLength": message.blockLength,
            "templateId": message.id,
            "schemaId": 7201,
            "version": 0,
        }
        if decoded.header != header:
            wrong.append(f"{label}: header {decoded.header}")
        for field, value in expected.items():
            if decoded.value[field] != value:
                wrong.append(f"{label}.{field}: {decoded.value[field]!r} is not {value!r}")

        encoded = framed(schema.encode(message, expected))
        if encoded != frame:
            wrong.append(f"{label}: encodes to {encoded.hex()}")
    for name in sorted(set(by_name) - seen):
        wrong.append(f"{name}: no golden frame")
    for line in wrong:
        print(line)
    print(f"{count} frames of {len(seen)} messages, {len(wrong)} differences")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
