"""Plots as SVG, made on the server: readable without JavaScript, coloured by the style sheet."""
