"""Toy models as the Hugging Face hub holds them: random weights, real file formats.

They stand in the layout of the hub's cache, or are served on this machine.
"""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

REVISION = "0123456789abcdef0123456789abcdef01234567"
WORDS = [f"w{number}" for number in range(50)]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def snapshot(hub: Path, name: str) -> Path:
    """An empty snapshot folder of a model, which its refs/main names."""
    repository = hub / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION, encoding="utf-8")
    folder = repository / "snapshots" / REVISION
    folder.mkdir(parents=True)
    return folder


def add_bert(hub: Path, name: str) -> None:
    write_bert(snapshot(hub, name))


def add_xlm_roberta(hub: Path, name: str, tokenizer_limit: int | None) -> None:
    write_xlm_roberta(snapshot(hub, name), tokenizer_limit)


def write_bert(folder: Path, *, labels: int = 1, rows: int = 0, max_shard_size: str = "5GB") -> None:
    """A BERT classifier as the ms-marco models are: logits, because its configuration asks for the identity.

    ``rows`` makes the vocabulary, and so the file, larger: 128 bytes each.
    """
    torch.manual_seed(0)
    write_bert_tokenizer(folder)
    config = bert_config(
        rows, num_labels=labels, sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"}
    )
    BertForSequenceClassification(config).save_pretrained(folder, max_shard_size=max_shard_size)


def write_bi_encoder(folder: Path) -> None:
    """A BERT without a head, and the modules.json of a sentence-transformers bi-encoder."""
    torch.manual_seed(0)
    write_bert_tokenizer(folder)
    BertModel(bert_config()).save_pretrained(folder)
    modules = [("Transformer", ""), ("Pooling", "1_Pooling")]
    rows = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}), encoding="utf-8"
    )


def to_bin(folder: Path) -> None:
    """Keep the weights as pytorch_model.bin, as older models do."""
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def drop_head(folder: Path, keep: str = "nothing") -> None:
    """Take the classifier's weights out of model.safetensors, but for those that start with ``keep``.

    Its configuration still claims them.
    """
    from safetensors.torch import load_file, save_file

    weights = {
        name: weight
        for name, weight in load_file(folder / "model.safetensors").items()
        if not name.startswith("classifier.") or name.startswith(keep)
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_bert_tokenizer(folder: Path) -> None:
    vocabulary = {
        token: number for number, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = (
        normalizers.BertNormalizer(),
        pre_tokenizers.BertPreTokenizer(),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)


def bert_config(rows: int = 0, **options) -> BertConfig:
    # A larger range than 0.02 lets each token count; a much larger one lets attention see a single token
    # only.
    return BertConfig(
        vocab_size=5 + len(WORDS) + rows,
        max_position_embeddings=512,
        initializer_range=0.2,
        **SIZES,
        **options,
    )


def write_xlm_roberta(folder: Path, tokenizer_limit: int | None) -> None:
    """An XLM-RoBERTa classifier as the bge rerankers are.

    Of its 514 positions 2 are reserved; its configuration names no activation.
    """
    torch.manual_seed(1)
    pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *((f"▁{word}", -2.0) for word in WORDS),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    limit = {} if tokenizer_limit is None else {"model_max_length": tokenizer_limit}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        cls_token="<s>",
        pad_token="<pad>",
        unk_token="<unk>",
        **limit,
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(pieces),
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        initializer_range=0.2,
        num_labels=1,
        **SIZES,
    )
    XLMRobertaForSequenceClassification(config).save_pretrained(folder)


class FakeHub:
    """What huggingface_hub asks of the hub, on a real socket: a model's information, tree and files.

    Attributes:
        url: for HF_ENDPOINT.
        root: models stand in ``root / name``.
        gated: {name: HTTP status} of models whose files need an agreement; their list of files is public, as
            on the hub.
        cuts: {file name: [bytes, …]}; each answer with that file takes one number and breaks off after so
            many bytes.
        requests: (method, path, Range header) of each request for a file.
    """

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        self.gated: dict[str, int] = {}
        self.cuts: dict[str, list[int]] = {}
        self.requests: list[tuple[str, str, str | None]] = []

    def files(self, name: str) -> list[Path]:
        return sorted(path for path in (self.root / name).rglob("*") if path.is_file())

    def fetched(self, name: str) -> list[str]:
        """The files whose content was asked for since ``requests`` was last cleared."""
        return [
            path.split(f"/{name}/resolve/{REVISION}/")[1]
            for method, path, _ in self.requests
            if method == "GET" and path.startswith(f"/{name}/")
        ]


@contextmanager
def serve(root: Path):
    """A FakeHub that runs until the end of the with block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = FakeHub(root, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.server.hub, self.path.split("?")[0]
        if path == "/":
            self._answer(200)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/main|/tree/\w+)?", path):
            name, what = found.group(1), found.group(2) or ""
            if not (hub.root / name).is_dir():
                self._answer(404, {"X-Error-Code": "RepoNotFound"})
            else:
                self._answer(
                    200, {"Content-Type": "application/json"}, self._information(name, tree="/tree/" in what)
                )
        elif found := re.fullmatch(rf"/([^/]+/[^/]+)/resolve/(?:main|{REVISION})/(.+)", path):
            self._file(*found.groups())
        else:
            self._answer(404)

    def _information(self, name: str, tree: bool) -> bytes:
        hub = self.server.hub
        files = [
            (path.relative_to(hub.root / name).as_posix(), path.stat().st_size) for path in hub.files(name)
        ]
        if tree:
            return json.dumps(
                [{"type": "file", "path": file, "size": size, "oid": "0" * 40} for file, size in files]
            ).encode()
        return json.dumps(
            {
                "id": name,
                "sha": REVISION,
                "siblings": [{"rfilename": file, "size": size, "blobId": "0" * 40} for file, size in files],
            }
        ).encode()

    def _file(self, name: str, file: str) -> None:
        hub, wanted = self.server.hub, self.headers.get("Range")
        hub.requests.append((self.command, self.path, wanted))
        if name in hub.gated:
            self._answer(hub.gated[name], {"X-Error-Code": "GatedRepo"})
            return
        path = hub.root / name / file
        if not path.is_file():
            self._answer(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": REVISION})
            return
        body = path.read_bytes()
        headers = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
            "X-Repo-Commit": REVISION,
            "Accept-Ranges": "bytes",
        }
        if wanted:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
        cuts = hub.cuts.get(file) if self.command == "GET" else None
        self._answer(206 if wanted else 200, headers, body, cut=cuts.pop(0) if cuts else None)

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b"", cut: int | None = None
    ) -> None:
        self.send_response(status)
        for header, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None
