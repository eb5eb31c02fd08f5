"""What was checked in a run, for those who have to answer for it: compared, and as one page."""

from hookline.quality.audit.comparison import Change, compare
from hookline.quality.audit.masking import masked
from hookline.quality.audit.matter import Matter, Sample, judged
from hookline.quality.audit.page import page

__all__ = ["Change", "Matter", "Sample", "compare", "judged", "masked", "page"]
