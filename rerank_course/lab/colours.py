"""The colours of the pictures: Okabe and Ito's palette, which the colour-blind can tell apart.

Source: https://jfly.uni-koeln.de/color/. Where two colours may still look alike, a hatch, a marker or a line
style tells them apart too.
"""

BLUE, ORANGE, GREEN, YELLOW = "#0072B2", "#D55E00", "#009E73", "#F0E442"
GREY, MIDDLE_GREY, LIGHT_GREY = "#666666", "#999999", "#DDDDDD"

# One after the other, for things that are told apart by name: groups, lines, points.
IN_TURN = (BLUE, ORANGE, GREEN, GREY)

# For the pieces of a bar: fill, text on it, hatch.
PIECES = (
    (LIGHT_GREY, "black", ""),
    (BLUE, "white", ""),
    (ORANGE, "white", ""),
    (GREEN, "white", ""),
    (GREY, "white", "///"),
    (YELLOW, "black", "..."),
)
