"""Explorers, controls to play with: in each module a plain function does the work, and ipywidgets call it.

ipywidgets is loaded by the functions that make controls, so the plain functions do without it.
"""
