"""Numbers: rankings and labels come in; the metrics of trec_eval, intervals and tests go out."""
