"""What was measured, for people: the evaluation as one web page, and the model card.

`page.render` makes the page of an `Evaluation`, `card.render` the Markdown card of model files, evaluations and
sources; `files.write_text` writes either. Both only lay out what is given: nothing is measured here.
"""
