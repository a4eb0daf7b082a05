"""The metadata of a GGUF file, with the standard library alone."""
import struct

# What a value is, by its type: single numbers, then the rest.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
U32, FLOAT, STRING, ARRAY = 4, 6, 8, 9


class Reader:
    """The metadata of a GGUF file: {key: (type, value)}; an array's value is (element type, list)."""

    def __init__(self, path):
        self.file = open(path, "rb")
        magic, version, _, count = self.numbers("4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise SystemExit(f"gguf: {path} is no GGUF file of version 2 or 3")
        self.values = {}
        for _ in range(count):
            key = self.string()
            (kind,) = self.numbers("I")
            self.values[key] = (kind, self.value(kind))

    def numbers(self, form):
        form = "<" + form
        return struct.unpack(form, self.file.read(struct.calcsize(form)))

    def string(self):
        return self.file.read(self.numbers("Q")[0])  # bytes: not every token is text

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.numbers("IQ")
            return element, [self.value(element) for _ in range(count)]
        return self.numbers(SCALARS[kind])[0]
