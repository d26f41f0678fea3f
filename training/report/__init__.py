"""The report and the model card that stand beside every model."""
