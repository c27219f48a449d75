"""The figures of the report, one module each: pure functions from a study's arrays to numbers."""

from collections.abc import Callable

from annotation.report.arrays import Study
from annotation.report.figures.b1_leaderboard import b1
from annotation.report.figures.b2_label_errors import b2
from annotation.report.figures.b3_differences import b3
from annotation.report.figures.b4_assisted import b4
from annotation.report.figures.b5_soft_labels import b5
from annotation.report.figures.b6_more import b6
from annotation.report.figures.figure import Figure
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r02_beside import r2
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r06_disagreements import r6
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r08_labels import r8
from annotation.report.figures.r09_pairs import r9
from annotation.report.figures.r10_selection import r10
from annotation.report.figures.r11_wrong import r11
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r13_classes import r13
from annotation.report.figures.r14_superclasses import r14
from annotation.report.figures.r15_workers import r15
from annotation.report.figures.r16_agreement import r16
from annotation.report.figures.r17_accepted import r17

FIGURES: dict[str, Callable[[Study], Figure]] = {
    compute.__name__.upper(): compute
    for compute in (
        *(r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17),
        *(b1, b2, b3, b4, b5, b6),
    )
}
