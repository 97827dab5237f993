"""Writes the golden vectors that the tests compare with: what sentence-transformers says about a few texts.

Run it where sentence-transformers is installed: python3 models/golden.py MODEL_FOLDER
It does not download anything.
"""

import json
import pathlib
import sys

from sentence_transformers import SentenceTransformer

TEXTS = [
    "",
    "   ",
    "a",
    "Who pays for travel?",
    "The quick brown fox jumps over the lazy dog.",
    "Employees file travel expenses within thirty days; the department that asked for the journey pays for it.",
    "费用由申请出差的部门承担，员工须在三十天内提交报销单。",
    "naïve café — “smart quotes”, ﬁ ligature, e\u0301 and É, tab\tand\nnewline",
    "🚀🚀 launch day 👩‍👩‍👧‍👦 emoji 🇩🇪 only some of which the vocabulary knows 😀",
    "fn main() {\n    let xs: Vec<f32> = (0..10).map(|i| i as f32 * 0.5).collect();\n    println!(\"{:?}\", xs);\n}\n",
    "Pneumonoultramicroscopicsilicovolcanoconiosis [CLS] [SEP] [MASK] <b>markup</b> &amp; https://example.org/a?b=c#d",
    " ".join(f"Sentence number {i} says that item {i * 7 % 13} costs {i * 3}.{i % 100:02d} euros." for i in range(40)),
]


def main() -> None:
    model = SentenceTransformer(sys.argv[1], device="cpu")
    vectors = model.encode(TEXTS, batch_size=1, convert_to_numpy=True)
    cases = [
        {"text": text, "vector": [round(float(value), 6) for value in vector]} for text, vector in zip(TEXTS, vectors)
    ]
    target = pathlib.Path(__file__).parent / "tests" / "golden"
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (target / "all-MiniLM-L6-v2.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
