"""The colours of the pictures."""

# Okabe and Ito's palette, which the colour-blind can tell apart (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
LIGHT_GREY, MIDDLE_GREY, YELLOW = "#DDDDDD", "#999999", "#F0E442"
# Fill, text on it, hatch: the hatches tell apart what looks alike to the colour-blind.
PIECES = (
    (LIGHT_GREY, "black", ""),
    (BLUE, "white", ""),
    (ORANGE, "white", ""),
    (GREEN, "white", ""),
    (GREY, "white", "///"),
    (YELLOW, "black", "..."),
)
