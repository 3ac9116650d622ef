"""Trains, evaluates and exports the models of inpaint-sdk. Needs the extra ``train``."""
