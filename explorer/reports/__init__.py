"""An evaluation report: its record, its JSON, and the page it is shown as."""
