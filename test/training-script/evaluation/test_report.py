import re
from html.parser import HTMLParser

from finetuning.artifacts.records import CurvePoint, Interval, MetricGain, ReturnedDocument, Sparsity
from finetuning.evaluation.gate import decide
from finetuning.evaluation.report.charts import bar, curve_plot, gain_plot, gain_scale, gain_whisker
from finetuning.evaluation.report.markdown import render_markdown
from finetuning.evaluation.report.page import render_page
from msgspec.structs import replace

HOSTILE = "</span><script>alert('x')</script> & \"quoted\" {{ 7 * 7 }}"

LOADING = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """What a page would load, its text, and whether its tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.texts, self.open, self.tags = [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.loads += [(tag, name) for name, _ in attrs if name in LOADING or name.startswith("on")]
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))


def page_of(report, minimum=0.0):
    return render_page(report, decide(report.sets, minimum, 0.01, force_deploy=False))


def test_the_page_is_whole_and_loads_nothing(evaluation_report):
    text = page_of(evaluation_report)
    page = Page(text)
    assert page.open == []
    assert page.loads == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert re.search(r"url\(|@import", text) is None


def test_a_sparse_encoders_words_are_counted_in_both_reports(evaluation_report):
    assert "words a document" not in Page(page_of(evaluation_report)).text
    parts = [
        Sparsity(model="base", query_active_dims=5.0, document_active_dims=201.25, flops=1.5),
        Sparsity(model="tuned", query_active_dims=5.0, document_active_dims=180.0, flops=1.25),
    ]
    report = replace(evaluation_report, sparsity=parts)
    page = Page(page_of(report))
    assert page.open == []
    assert "words a document in common Base model 5.0 201.2 1.50 Tuned model 5.0 180.0 1.25" in page.text
    markdown = render_markdown(report, decide(report.sets, 0.0, 0.01, force_deploy=False))
    assert "| Tuned model | 5.0 | 180.0 | 1.25 |" in markdown


def test_the_page_says_what_the_report_says(evaluation_report):
    text = Page(page_of(evaluation_report)).text
    assert "The tuned model is better than its base: cleared for deployment" in text
    assert "is better than its base: not cleared for deployment" in Page(page_of(evaluation_report, minimum=0.02)).text
    for expected in ("0.550", "+0.050", "how to lift", "a passage", "question", "learning_rate", "Loss", "1 unchanged"):
        assert expected in text
    assert text.index("Queries with your own judgements") < text.index("Held-out synthetic queries")


def test_both_reports_say_for_how_many_queries_bm25_found_nothing(evaluation_report):
    part = evaluation_report.sets[0]
    left_out = replace(evaluation_report, sets=[replace(part, bm25_found_nothing=40, bm25_in_hybrids=False)])
    for report, count, alone in ((evaluation_report, 3, False), (left_out, 40, True)):
        markdown = render_markdown(report, decide(report.sets, 0.0, 0.01, force_deploy=False))
        for text in (markdown, Page(page_of(report)).text):
            assert f"BM25 found no document for {count} of {part.queries} queries." in text
            assert ("the rows with BM25 are the models alone" in text) == alone


def test_text_of_the_corpus_is_escaped(evaluation_report):
    part = evaluation_report.sets[0]
    change = replace(
        part.gained[0],
        query=HOSTILE,
        relevant_doc_id=HOSTILE,
        tuned_results=[ReturnedDocument(doc_id=HOSTILE, snippet=HOSTILE, relevance=0)],
    )
    hostile = replace(
        evaluation_report, base_model_id=HOSTILE, sets=[replace(part, gained=[change])], settings={HOSTILE: HOSTILE}
    )
    page = Page(page_of(hostile))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) == 7


def test_a_report_without_training_or_styles_has_no_empty_sections(evaluation_report):
    bare = replace(
        evaluation_report,
        sets=[replace(evaluation_report.sets[0], styles=[], gained=[])],
        training=replace(evaluation_report.training, train_loss=[], dev_loss=[]),
    )
    text = Page(page_of(bare)).text
    assert "By query style" not in text
    assert "Queries that" not in text
    assert "step 0" not in text


def test_markdown_has_every_ranker_and_style(evaluation_report):
    text = render_markdown(evaluation_report, decide(evaluation_report.sets, 0.0, 0.01, force_deploy=False))
    assert "| Tuned + BM25 | 0.550 | 0.900 | 0.600 |" in text
    assert "| tuned over base | +0.050 (+0.010 to +0.300) | 0.000 (0.000 to 0.000) |" in text
    assert "| title | 4 | 0.500 | 0.700 | +0.200 (+0.100 to +0.300) |" in text


def test_plots_stay_within_their_tracks():
    whisker = bar(0.25, Interval(low=-0.1, high=1.2))
    assert (whisker.at, whisker.low, whisker.high) == (25, 0, 100)
    gains = [
        MetricGain(mean=-0.1, low=-0.4, high=0.2, wins=1, losses=1),
        MetricGain(mean=0.1, low=0.0, high=0.2, wins=1, losses=0),
    ]
    scale = gain_scale(gains)
    assert 0 < gain_whisker(gains[0], scale).low < gain_whisker(gains[0], scale).at < 50
    assert gain_whisker(gains[1], scale).low == 50
    assert gain_scale([MetricGain(mean=0, low=0, high=0, wins=0, losses=0)]) == 1
    plot = gain_plot([1.0, 0.0, -0.5])
    assert plot.gained == "0,50 0.000,0.00 33.333,0.00 33.333,50.00 66.667,50.00 66.667,50.00 100.000,50.00 100,50"
    assert plot.lost.endswith("66.667,75.00 100.000,75.00 100,50")


def test_curves_share_their_axes():
    points = [CurvePoint(step=0, value=3.0), CurvePoint(step=50, value=float("nan")), CurvePoint(step=100, value=1.0)]
    plot = curve_plot("Loss", [("training", points), ("dev", [CurvePoint(step=50, value=2.0)]), ("none", [])])
    assert plot is not None
    assert [(curve.name, curve.points) for curve in plot.curves] == [
        ("training", "0.0,0.0 100.0,100.0"),
        ("dev", "50.0,50.0"),
    ]
    assert (plot.low, plot.high, plot.last_step) == (1.0, 3.0, 100)
    assert curve_plot("Loss", [("training", [])]) is None
