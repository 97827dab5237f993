"""Writes what PyTorch says about tiny models of every family, for the tests to compare with.

Run it where torch and transformers are installed: python3 models/golden_families.py
Weights come from a linear congruential generator that the tests have too, over the tensors in the order of their names,
so that only names and shapes are written down. Jina's BERT is not in transformers and is spelled out here.
"""

import json
import math
import pathlib

import torch
import transformers
from torch.nn import functional

HIDDEN, INNER, HEADS, LAYERS, POSITIONS, WORDS, LIMIT = 32, 72, 4, 2, 64, 57, 48
TEXTS = ["abc", "", "hello world", "the quick brown fox jumps over the lazy dog"]
PAIRS = [("who pays", "the office"), ("who pays", ""), ("a", "the quick brown fox jumps over the lazy dog and runs off")]


def tokenize(text: str) -> list[int]:
    """The tiny model's tokens: single letters, the first of a word apart from the others."""
    return [(5 if at == 0 else 31) + ord(letter) - ord("a") for word in text.split() for at, letter in enumerate(word)]


def make_tensors(shapes: dict) -> dict:
    state, tensors = 1, {}
    for name in sorted(shapes):
        values = []
        for _ in range(math.prod(shapes[name])):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append((state >> 40) / 2**24 - 0.5)
        tensors[name] = torch.tensor(values, dtype=torch.float32).reshape(shapes[name])
    return tensors


def with_bias(name: str, *shape: int) -> dict:
    return {f"{name}.weight": list(shape), f"{name}.bias": [shape[0]]}


def config_of(kind: str, **more) -> dict:
    return {
        "model_type": kind, "hidden_act": "gelu", "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "max_position_embeddings": POSITIONS,
        "layer_norm_eps": 1e-5, "pad_token_id": 0, "type_vocab_size": 2, "vocab_size": WORDS, **more,
    }  # fmt: skip


def shapes_of_bert(types: int, layer: str = "encoder.layer") -> dict:
    shapes = {
        "embeddings.word_embeddings.weight": [WORDS, HIDDEN],
        "embeddings.position_embeddings.weight": [POSITIONS, HIDDEN],
        "embeddings.token_type_embeddings.weight": [types, HIDDEN],
        **with_bias("embeddings.LayerNorm", HIDDEN),
    }
    for at in (f"{layer}.{index}" for index in range(LAYERS)):
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= with_bias(f"{at}.{part}", HIDDEN, HIDDEN)
        shapes |= with_bias(f"{at}.intermediate.dense", INNER, HIDDEN)
        shapes |= with_bias(f"{at}.output.dense", HIDDEN, INNER)
        shapes |= with_bias(f"{at}.attention.output.LayerNorm", HIDDEN) | with_bias(f"{at}.output.LayerNorm", HIDDEN)
    return shapes


def shapes_of_distilbert() -> dict:
    shapes = {
        "embeddings.word_embeddings.weight": [WORDS, HIDDEN],
        "embeddings.position_embeddings.weight": [POSITIONS, HIDDEN],
        **with_bias("embeddings.LayerNorm", HIDDEN),
    }
    for at in (f"transformer.layer.{index}" for index in range(LAYERS)):
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= with_bias(f"{at}.attention.{part}", HIDDEN, HIDDEN)
        shapes |= with_bias(f"{at}.ffn.lin1", INNER, HIDDEN) | with_bias(f"{at}.ffn.lin2", HIDDEN, INNER)
        shapes |= with_bias(f"{at}.sa_layer_norm", HIDDEN) | with_bias(f"{at}.output_layer_norm", HIDDEN)
    return shapes


def load(model_class, config: dict, tensors: dict):
    """Builds a model of transformers with exactly these tensors."""
    model = model_class(model_class.config_class(**{key: config[key] for key in config if key != "model_type"}))
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if "pooler" not in name and not name.endswith("_ids")]
    assert not missing and not unexpected, (missing, unexpected)
    return model.eval()


def rows_of(model):
    return lambda ids: model(input_ids=torch.tensor([ids])).last_hidden_state[0]


def bert():
    config, shapes = config_of("bert"), shapes_of_bert(2)
    return config, shapes, lambda tensors: rows_of(load(transformers.BertModel, config, tensors))


def distilbert():
    config = {
        "model_type": "distilbert", "activation": "gelu", "dim": HIDDEN, "hidden_dim": INNER, "n_heads": HEADS,
        "n_layers": LAYERS, "max_position_embeddings": POSITIONS, "pad_token_id": 0, "vocab_size": WORDS,
    }  # fmt: skip
    return config, shapes_of_distilbert(), lambda t: rows_of(load(transformers.DistilBertModel, config, t))


def xlm_roberta():
    config, shapes = config_of("xlm-roberta", pad_token_id=1, type_vocab_size=1), shapes_of_bert(1)
    return config, shapes, lambda tensors: rows_of(load(transformers.XLMRobertaModel, config, tensors))


def roberta():
    config, shapes = config_of("roberta", pad_token_id=1, type_vocab_size=1), shapes_of_bert(1)
    return config, shapes, lambda tensors: rows_of(load(transformers.RobertaModel, config, tensors))


def modernbert():
    config = {
        "model_type": "modernbert", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_attention_heads": HEADS,
        "num_hidden_layers": 3, "max_position_embeddings": POSITIONS, "pad_token_id": 0, "vocab_size": WORDS,
        "layer_norm_eps": 1e-5, "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "local_attention": 8,
        "local_rope_theta": 10000.0,
    }  # fmt: skip
    shapes = {"embeddings.tok_embeddings.weight": [WORDS, HIDDEN], "embeddings.norm.weight": [HIDDEN]}
    shapes |= {"final_norm.weight": [HIDDEN]}
    for index in range(3):
        at = f"layers.{index}"
        shapes |= {f"{at}.attn_norm.weight": [HIDDEN]} if index > 0 else {}
        shapes |= {f"{at}.attn.Wqkv.weight": [3 * HIDDEN, HIDDEN], f"{at}.attn.Wo.weight": [HIDDEN, HIDDEN]}
        shapes |= {f"{at}.mlp_norm.weight": [HIDDEN], f"{at}.mlp.Wi.weight": [2 * INNER, HIDDEN]}
        shapes |= {f"{at}.mlp.Wo.weight": [HIDDEN, INNER]}

    def rows(tensors):
        theirs = config | {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
        return rows_of(load(transformers.ModernBertModel, theirs | {"attn_implementation": "eager"}, tensors))

    return config, shapes, rows


def nomic():
    config = {
        "model_type": "nomic_bert", "n_embd": HIDDEN, "n_inner": INNER, "n_head": HEADS, "n_layer": LAYERS,
        "n_positions": POSITIONS, "vocab_size": WORDS, "type_vocab_size": 2, "layer_norm_epsilon": 1e-5,
        "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "qkv_proj_bias": False,
        "mlp_fc1_bias": False, "mlp_fc2_bias": False, "activation_function": "swiglu", "prenorm": False,
        "rotary_scaling_factor": None,
    }  # fmt: skip
    shapes = {"embeddings.word_embeddings.weight": [WORDS, HIDDEN], **with_bias("emb_ln", HIDDEN)}
    shapes |= {"embeddings.token_type_embeddings.weight": [2, HIDDEN]}
    for at in (f"encoder.layers.{index}" for index in range(LAYERS)):
        shapes |= {f"{at}.attn.Wqkv.weight": [3 * HIDDEN, HIDDEN], f"{at}.attn.out_proj.weight": [HIDDEN, HIDDEN]}
        shapes |= {f"{at}.mlp.fc11.weight": [INNER, HIDDEN], f"{at}.mlp.fc12.weight": [INNER, HIDDEN]}
        shapes |= {f"{at}.mlp.fc2.weight": [HIDDEN, INNER]}
        shapes |= with_bias(f"{at}.norm1", HIDDEN) | with_bias(f"{at}.norm2", HIDDEN)

    def rows(tensors):
        named, pairs = {}, [
            ("encoder.layers", "layers"), ("emb_ln", "embeddings.LayerNorm"), ("attn.out_proj", "self_attn.o_proj"),
            ("fc11", "up_proj"), ("fc12", "gate_proj"), ("fc2", "down_proj"), ("norm1", "post_attention_layernorm"),
            ("norm2", "post_mlp_layernorm"),
        ]  # fmt: skip
        for name, tensor in tensors.items():
            for old, new in pairs:
                name = name.replace(old, new)
            parts = zip("qkv", tensor.chunk(3)) if "Wqkv" in name else [("", tensor)]
            named |= {name.replace("attn.Wqkv", f"self_attn.{part}_proj"): value for part, value in parts}
        theirs = config_of("nomic_bert", hidden_act="silu", rope_parameters={"rope_type": "default", "rope_theta": 1e3})
        return rows_of(load(transformers.NomicBertModel, theirs, named))

    return config, shapes, rows


def qwen3():
    size, groups = 16, 2
    config = {
        "model_type": "qwen3", "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_attention_heads": HEADS, "num_key_value_heads": groups, "head_dim": size, "num_hidden_layers": LAYERS,
        "max_position_embeddings": POSITIONS, "max_window_layers": LAYERS, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
        "sliding_window": None, "use_sliding_window": False, "attention_bias": False, "tie_word_embeddings": True,
        "vocab_size": WORDS,
    }  # fmt: skip
    shapes = {"embed_tokens.weight": [WORDS, HIDDEN], "norm.weight": [HIDDEN]}
    for at in (f"layers.{index}" for index in range(LAYERS)):
        shapes |= {f"{at}.self_attn.q_proj.weight": [HEADS * size, HIDDEN]}
        shapes |= {f"{at}.self_attn.{part}_proj.weight": [groups * size, HIDDEN] for part in "kv"}
        shapes |= {f"{at}.self_attn.o_proj.weight": [HIDDEN, HEADS * size]}
        shapes |= {f"{at}.self_attn.q_norm.weight": [size], f"{at}.self_attn.k_norm.weight": [size]}
        shapes |= {f"{at}.mlp.gate_proj.weight": [INNER, HIDDEN], f"{at}.mlp.up_proj.weight": [INNER, HIDDEN]}
        shapes |= {f"{at}.mlp.down_proj.weight": [HIDDEN, INNER]}
        shapes |= {f"{at}.input_layernorm.weight": [HIDDEN], f"{at}.post_attention_layernorm.weight": [HIDDEN]}

    def rows(tensors):
        rope = {"rope_type": "default", "rope_theta": config["rope_theta"]}
        return rows_of(load(transformers.Qwen3Model, config | {"rope_parameters": rope}, tensors))

    return config, shapes, rows


def jina():
    config = config_of("bert", position_embedding_type="alibi", initializer_range=0.02, feed_forward_type="geglu")
    shapes = shapes_of_bert(2)
    shapes = {name: shape for name, shape in shapes.items() if "intermediate" not in name and "position" not in name}
    shapes = {name: shape for name, shape in shapes.items() if ".output." not in name or "attention" in name}
    for at in (f"encoder.layer.{index}.mlp" for index in range(LAYERS)):
        shapes |= {f"{at}.gated_layers.weight": [2 * INNER, HIDDEN], **with_bias(f"{at}.wo", HIDDEN, INNER)}
        shapes |= with_bias(f"{at}.layernorm", HIDDEN)
    return config, shapes, lambda tensors: lambda ids: jina_rows(tensors, ids)


def jina_rows(tensors: dict, ids: list[int]):
    """Jina's BERT: no positions but a penalty on distance, and a gated linear unit for the inner product."""

    def linear(name, rows):
        return functional.linear(rows, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))

    def norm(name, rows):
        return functional.layer_norm(rows, (HIDDEN,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-5)

    def heads(rows):
        return rows.reshape(len(ids), HEADS, HIDDEN // HEADS).transpose(0, 1)

    places = torch.arange(len(ids))
    slopes = torch.tensor([2.0 ** (-8 * head / HEADS) for head in range(1, HEADS + 1)])
    penalty = -(places[None] - places[:, None]).abs() * slopes[:, None, None]
    words = tensors["embeddings.word_embeddings.weight"][ids]
    rows = norm("embeddings.LayerNorm", words + tensors["embeddings.token_type_embeddings.weight"][0])
    for at in (f"encoder.layer.{index}" for index in range(LAYERS)):
        query, key, value = (heads(linear(f"{at}.attention.self.{part}", rows)) for part in ("query", "key", "value"))
        shares = (query @ key.transpose(1, 2) / math.sqrt(HIDDEN // HEADS) + penalty).softmax(-1)
        mixed = (shares @ value).transpose(0, 1).reshape(len(ids), HIDDEN)
        rows = norm(f"{at}.attention.output.LayerNorm", linear(f"{at}.attention.output.dense", mixed) + rows)
        gate, inner = linear(f"{at}.mlp.gated_layers", rows).chunk(2, dim=-1)
        rows = norm(f"{at}.mlp.layernorm", linear(f"{at}.mlp.wo", functional.gelu(gate) * inner) + rows)
    return rows


def embed(name: str, family, pooling: str = "mean", prefix: str = "") -> dict:
    config, shapes, build = family()
    rows, cases = build(make_tensors(shapes)), []
    for text in TEXTS:
        found = rows([2, *tokenize(text), 3])
        pooled = {"cls": found[0], "lasttoken": found[-1], "mean": found.mean(0)}[pooling]
        cases.append({"text": text, "vector": rounded(functional.normalize(pooled, dim=0))})
    tensors = {prefix + tensor: shape for tensor, shape in shapes.items()}
    return {"name": name, "pooling": pooling, "config": config, "tensors": tensors, "cases": cases}


def rerank(name: str, model_class, config: dict, shapes: dict) -> dict:
    config |= {"architectures": [model_class.__name__], "num_labels": 1}
    model, cases = load(model_class, config, make_tensors(shapes)), []
    for query, text in PAIRS:
        first = [2, *tokenize(query), 3]
        second = tokenize(text)[: LIMIT - len(first) - 1] + [3]
        inputs = {"input_ids": torch.tensor([first + second])}
        if config.get("type_vocab_size", 1) > 1:
            inputs["token_type_ids"] = torch.tensor([[0] * len(first) + [1] * len(second)])
        logit = model(**inputs).logits[0, 0]
        cases.append({"query": query, "text": text, "logit": round(float(logit), 6)})
    config = config | {"id2label": {"0": "LABEL_0"}}
    return {"name": name, "config": config, "tensors": shapes, "cases": cases}


def rerankers() -> list[dict]:
    def below(prefix, shapes):
        return {f"{prefix}.{name}": shape for name, shape in shapes.items()}

    one = with_bias("classifier", 1, HIDDEN)
    berts = below("bert", shapes_of_bert(2) | with_bias("pooler.dense", HIDDEN, HIDDEN)) | one
    distils = below("distilbert", shapes_of_distilbert()) | with_bias("pre_classifier", HIDDEN, HIDDEN) | one
    head = with_bias("classifier.dense", HIDDEN, HIDDEN) | with_bias("classifier.out_proj", 1, HIDDEN)
    xlms = below("roberta", shapes_of_bert(1)) | head
    return [
        rerank("bert", transformers.BertForSequenceClassification, bert()[0], berts),
        rerank("distilbert", transformers.DistilBertForSequenceClassification, distilbert()[0], distils),
        rerank("xlm-roberta", transformers.XLMRobertaForSequenceClassification, xlm_roberta()[0], xlms),
    ]


def rounded(vector) -> list[float]:
    return [round(float(value), 6) for value in vector]


def write(name: str, entries: list[dict]) -> None:
    target = pathlib.Path(__file__).parent / "tests" / "golden" / name
    target.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n", encoding="utf-8")


@torch.inference_mode()
def main() -> None:
    families = [
        embed("bert", bert, prefix="bert."),
        embed("bert", bert, pooling="cls"),
        embed("distilbert", distilbert, prefix="distilbert."),
        embed("roberta", roberta, prefix="roberta."),
        embed("xlm-roberta", xlm_roberta),
        embed("modernbert", modernbert),
        embed("nomic_bert", nomic),
        embed("jina_bert", jina),
        embed("qwen3", qwen3, pooling="lasttoken"),
    ]
    write("families.json", families)
    write("rerankers.json", rerankers())


if __name__ == "__main__":
    main()
