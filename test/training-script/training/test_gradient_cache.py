import torch
from finetuning.training.gradient_cache import encode_in_chunks


def run(*, cached, grad=True):
    """An encoder with dropout on 5 chunks of 4 texts; its gradients, and the bytes that the forward pass kept."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(16, 64), torch.nn.GELU(), torch.nn.Dropout(0.5), torch.nn.Linear(64, 8)]
    encoder = torch.nn.Sequential(*layers)
    chunks = [{"x": torch.randn(4, 16)} for _ in range(5)]
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    with torch.set_grad_enabled(grad), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        embeddings = encode_in_chunks(lambda chunk: encoder(chunk["x"]), chunks, cached=cached)
    if grad:
        torch.nn.functional.normalize(embeddings, dim=1).matmul(embeddings.T).logsumexp(dim=1).sum().backward()
    return embeddings.detach(), [parameter.grad for parameter in encoder.parameters()], kept


def test_embeddings_and_gradients_are_the_plain_ones_dropout_included():
    plain, expected, kept = run(cached=False)
    embeddings, found, kept_cached = run(cached=True)
    assert torch.equal(embeddings, plain)
    for a, b in zip(found, expected, strict=True):
        assert a is not None
        assert a.abs().max() > 0
        torch.testing.assert_close(a, b)
    assert kept_cached < kept / 4


def test_nothing_is_kept_without_gradients():
    embeddings, _, kept = run(cached=True, grad=False)
    assert torch.equal(embeddings, run(cached=False, grad=False)[0])
    assert kept == 0
