"""The auditor on the hand-written rules of other people's packages, recorded from public calls."""
