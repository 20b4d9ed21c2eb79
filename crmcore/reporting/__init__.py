"""Reports: running what plugins declare, and the forms that a computed report takes.

Running is :mod:`crmcore.reporting.running`. Each form is a module with one function ``render(outcomes, imprint)``:
:mod:`~crmcore.reporting.comma_separated`, :mod:`~crmcore.reporting.json_document`,
:mod:`~crmcore.reporting.markdown`, :mod:`~crmcore.reporting.page` (HTML) and :mod:`~crmcore.reporting.workbook`
(XLSX). Tables on a terminal are the command line's.
"""

from crmcore.reporting.outcomes import Computed, Failed, Imprint, Outcome, imprint_of
from crmcore.reporting.running import report_type, run_report, run_reports

__all__ = ["Computed", "Failed", "Imprint", "Outcome", "imprint_of", "report_type", "run_report", "run_reports"]
