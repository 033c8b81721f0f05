"""The packaged model as a torch module that gives the same logits for less work."""


def lean(bert):
    """A ``BertForSequenceClassification`` as a torch module that gives the same logits, shape (pairs, 1), for
    less work.

    - The classifier reads the first token alone, so in the last layer only that token attends to the others.
      One query needs no keys and values: q · (K x) = (Kᵀ q) · x, and the weighted sum of V x is V times the
      weighted sum of x. What it adds to all scores alike, the key's bias, is left out.
    - A softmax reads its row three times: for the largest score, for the sum, for the division. Here the
      exponentials are taken as they are, and what they weigh is divided by their sum afterwards. The scores
      of this model's attention lay between −80 and 71 on all texts tried; shifted by 20 and cut at ±80 their
      exponentials are far from the ends of float32.
    - Padding is hidden where it costs least: it adds nothing to the sum, and its values count nothing.
    """
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert.eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            tokens = self.bert.bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
            seen = attention_mask.to(tokens.dtype)[:, None, :, None]  # 1 for a token, 0 for padding
            *layers, last = self.bert.bert.encoder.layer
            for layer in layers:
                attention = layer.attention.self
                query, key, value = (
                    _heads(part(tokens), attention)
                    for part in (attention.query, attention.key, attention.value)
                )
                tokens = _behind_attention(layer, _attend(query, key, value, seen), tokens)
            first = tokens[:, :1]
            return self.bert.classifier(
                self.bert.bert.pooler(
                    _behind_attention(last, _of_first(last.attention.self, first, tokens, seen), first)
                )
            )

    def _heads(states, attention):
        """(pairs, tokens, width) as (pairs, heads, tokens, width of a head)."""
        return states.view(
            states.shape[0], states.shape[1], attention.num_attention_heads, attention.attention_head_size
        ).transpose(1, 2)

    def _attend(query, key, value, seen):
        width_of_a_head = bert.config.hidden_size // bert.config.num_attention_heads
        scores = torch.matmul(query, key.transpose(2, 3)) * width_of_a_head**-0.5
        weights = (scores - 20).clamp(-80, 80).exp()
        return torch.matmul(weights, value * seen) / torch.matmul(weights, seen)

    def _of_first(attention, first, tokens, seen):
        per_head = (attention.num_attention_heads, attention.attention_head_size, tokens.shape[2])
        query = torch.matmul(_heads(attention.query(first), attention), attention.key.weight.view(per_head))
        mixed = _attend(query, tokens[:, None], tokens[:, None], seen)
        return torch.matmul(
            mixed, attention.value.weight.view(per_head).transpose(1, 2)
        ) + attention.value.bias.view(per_head[0], 1, per_head[1])

    def _behind_attention(layer, context, tokens):
        attended = layer.attention.output(context.transpose(1, 2).reshape(tokens.shape), tokens)
        return layer.output(layer.intermediate(attended), attended)

    return Logits()
