import torch
from finetuning.training.merging import copied_state, merge_with_base, merged_state
from sentence_transformers import SentenceTransformer


def tuned_copy(base):
    model = SentenceTransformer(str(base), device="cpu")
    state = copied_state(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5)
    return model, state


def distance(model, state):
    return max((tensor - state[name]).abs().max().item() for name, tensor in model.state_dict().items())


def test_every_weight_lies_between_base_and_tuned(tiny_model):
    model, base = tuned_copy(tiny_model)
    model.load_state_dict(merged_state(base, copied_state(model), 0.3))
    assert abs(distance(model, base) - 0.15) < 1e-6


def test_the_merge_of_best_quality_is_left_in_the_model(tiny_model):
    model, base = tuned_copy(tiny_model)
    found = merge_with_base(model, base, lambda: -abs(distance(model, base) - 0.25))
    assert abs(distance(model, base) - 0.25) < 1e-6
    assert max(found, key=lambda weight: found[weight]) == "0.5"
    assert list(found) == ["0.3", "0.5", "0.7", "1"]


def test_among_equals_the_tuned_model_stays(tiny_model):
    model, base = tuned_copy(tiny_model)
    merge_with_base(model, base, lambda: 0.5)
    assert abs(distance(model, base) - 0.5) < 1e-6


def test_a_tuned_model_that_was_measured_is_not_measured_again(tiny_model):
    model, base = tuned_copy(tiny_model)
    measured: list[float] = []

    def quality():
        measured.append(distance(model, base))
        return 0.5

    found = merge_with_base(model, base, quality, tuned_quality=0.6)
    assert [round(value, 3) for value in measured] == [0.15, 0.25, 0.35]
    assert found == {"0.3": 0.5, "0.5": 0.5, "0.7": 0.5, "1": 0.6}
    assert abs(distance(model, base) - 0.5) < 1e-6
