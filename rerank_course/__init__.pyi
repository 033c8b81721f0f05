# What the front door offers: lazy_loader reads this list, and so do editors and type checkers.
from . import evaluate as evaluate
from .chunking import BestWindow as BestWindow
from .compare import compare_rankings as compare_rankings
from .decide import Decision as Decision
from .evaluate import choose_held_out as choose_held_out
from .evaluate import paired_difference as paired_difference
from .evaluate import per_query as per_query
from .evaluate import retrieve_and_rerank as retrieve_and_rerank
from .evaluate import summary as summary
from .hosted import CohereReranker as CohereReranker
from .mixing import mix as mix
from .models import load_embedder as load_embedder
from .models import load_reranker as load_reranker
from .rerank import rerank_documents as rerank_documents
from .rerank import rerank_stream as rerank_stream
from .retrieve import BM25Retriever as BM25Retriever
from .retrieve import DenseRetriever as DenseRetriever
from .retrieve import HybridRetriever as HybridRetriever
from .scale import rerank_run as rerank_run
from .stages import Stage as Stage
from .stages import cascade as cascade
from .stages import rerank_if_unsure as rerank_if_unsure
from .text import Chunk as Chunk
from .texts.corpora import load_corpus as load_corpus

__version__: str
