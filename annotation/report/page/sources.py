"""The sources of what a report computes, as BibTeX."""

from annotation.report.wording import Plain

# By the figures that rest on each; none: every report does.
SOURCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (),
        """@inproceedings{tsipras2020imagenet,
  title     = {From {ImageNet} to Image Classification: Contextualizing Progress on Benchmarks},
  author    = {Tsipras, Dimitris and Santurkar, Shibani and Engstrom, Logan and Ilyas, Andrew
               and M{\\k{a}}dry, Aleksander},
  booktitle = {Proceedings of the 37th International Conference on Machine Learning},
  series    = {Proceedings of Machine Learning Research},
  volume    = {119},
  pages     = {9625--9635},
  year      = {2020}
}""",
    ),
    (
        (),
        """@article{wilson1927probable,
  title   = {Probable Inference, the Law of Succession, and Statistical Inference},
  author  = {Wilson, Edwin B.},
  journal = {Journal of the American Statistical Association},
  volume  = {22},
  number  = {158},
  pages   = {209--212},
  year    = {1927}
}""",
    ),
    (
        ("R2",),
        """@article{kleinman1973proportions,
  title   = {Proportions with Extraneous Variance: Single and Independent Samples},
  author  = {Kleinman, Joel C.},
  journal = {Journal of the American Statistical Association},
  volume  = {68},
  number  = {341},
  pages   = {46--54},
  year    = {1973}
}""",
    ),
    (
        ("R15", "B2"),
        """@article{dawid1979maximum,
  title   = {Maximum Likelihood Estimation of Observer Error-Rates Using the {EM} Algorithm},
  author  = {Dawid, A. P. and Skene, A. M.},
  journal = {Journal of the Royal Statistical Society. Series C (Applied Statistics)},
  volume  = {28},
  number  = {1},
  pages   = {20--28},
  year    = {1979}
}""",
    ),
    (
        ("R15", "B2"),
        """@article{varadhan2008simple,
  title   = {Simple and Globally Convergent Methods for Accelerating the Convergence of Any {EM}
             Algorithm},
  author  = {Varadhan, Ravi and Roland, Christophe},
  journal = {Scandinavian Journal of Statistics},
  volume  = {35},
  number  = {2},
  pages   = {335--353},
  year    = {2008}
}""",
    ),
    (
        ("R16",),
        """@book{krippendorff2004content,
  title     = {Content Analysis: An Introduction to Its Methodology},
  author    = {Krippendorff, Klaus},
  edition   = {2nd},
  publisher = {Sage},
  year      = {2004}
}""",
    ),
    (
        ("B1",),
        """@article{beyer2020are,
  title   = {Are we done with {ImageNet}?},
  author  = {Beyer, Lucas and H{\\'e}naff, Olivier J. and Kolesnikov, Alexander and Zhai, Xiaohua
             and van den Oord, A{\\"a}ron},
  journal = {arXiv preprint arXiv:2006.07159},
  year    = {2020}
}""",
    ),
    (
        ("B3",),
        """@article{holm1979simple,
  title   = {A Simple Sequentially Rejective Multiple Test Procedure},
  author  = {Holm, Sture},
  journal = {Scandinavian Journal of Statistics},
  volume  = {6},
  number  = {2},
  pages   = {65--70},
  year    = {1979}
}""",
    ),
    (
        ("B4",),
        """@article{angelopoulos2023ppi,
  title   = {{PPI++}: Efficient Prediction-Powered Inference},
  author  = {Angelopoulos, Anastasios N. and Duchi, John C. and Zrnic, Tijana},
  journal = {arXiv preprint arXiv:2311.01453},
  year    = {2023}
}""",
    ),
)


def bibtex(report: Plain) -> str:
    """The entries of the figures that the report has."""
    present = {name for name, figure in report["figures"].items() if figure["data"] is not None}
    entries = [entry for figures, entry in SOURCES if not figures or present & set(figures)]
    return "\n\n".join(entries)
