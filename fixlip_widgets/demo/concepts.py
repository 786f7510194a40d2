"""Concepts of the demo model: their names, and the emoji that shows each.

Each concept is concrete, countable and recognisable in every picture set. Near duplicates (mouse and rat, truck and
ambulance) are excluded, so that a wrong answer is an error of the model and not an ambiguity of names.
"""

from __future__ import annotations

# name -> the emoji's code point, as `emoji-datasource` writes it (field "unified").
CONCEPTS: dict[str, str] = {
    # animals
    "dog": "1F415",
    "cat": "1F408",
    "horse": "1F40E",
    "cow": "1F404",
    "pig": "1F416",
    "rabbit": "1F407",
    "monkey": "1F412",
    "elephant": "1F418",
    "tiger": "1F405",
    "lion": "1F981",
    "bear": "1F43B",
    "panda": "1F43C",
    "koala": "1F428",
    "fox": "1F98A",
    "frog": "1F438",
    "snake": "1F40D",
    "turtle": "1F422",
    "crocodile": "1F40A",
    "penguin": "1F427",
    "chicken": "1F414",
    "duck": "1F986",
    "owl": "1F989",
    "shark": "1F988",
    "whale": "1F433",
    "octopus": "1F419",
    "crab": "1F980",
    "snail": "1F40C",
    "butterfly": "1F98B",
    "bee": "1F41D",
    "spider": "1F577-FE0F",
    "camel": "1F42B",
    "unicorn": "1F984",
    # food
    "banana": "1F34C",
    "apple": "1F34E",
    "strawberry": "1F353",
    "pineapple": "1F34D",
    "watermelon": "1F349",
    "lemon": "1F34B",
    "pear": "1F350",
    "kiwi": "1F95D",
    "avocado": "1F951",
    "carrot": "1F955",
    "eggplant": "1F346",
    "mushroom": "1F344",
    "pizza": "1F355",
    "burger": "1F354",
    "croissant": "1F950",
    "cake": "1F370",
    "doughnut": "1F369",
    "cookie": "1F36A",
    "lollipop": "1F36D",
    "egg": "1F373",
    "beer": "1F37A",
    # vehicles
    "car": "1F697",
    "bus": "1F68C",
    "truck": "1F69A",
    "tractor": "1F69C",
    "bicycle": "1F6B2",
    "motorcycle": "1F3CD-FE0F",
    "airplane": "2708-FE0F",
    "helicopter": "1F681",
    "rocket": "1F680",
    "sailboat": "26F5",
    "ship": "1F6A2",
    # outdoors
    "tree": "1F333",
    "cactus": "1F335",
    "rose": "1F339",
    "sunflower": "1F33B",
    "cloud": "2601-FE0F",
    "moon": "1F319",
    "star": "2B50",
    "snowflake": "2744-FE0F",
    "flame": "1F525",
    "rainbow": "1F308",
    "umbrella": "2614",
    "snowman": "26C4",
    "house": "1F3E0",
    "castle": "1F3F0",
    "tent": "26FA",
    # things
    "hammer": "1F528",
    "wrench": "1F527",
    "key": "1F511",
    "bell": "1F514",
    "book": "1F4D5",
    "pencil": "270F-FE0F",
    "clock": "23F0",
    "camera": "1F4F7",
    "telephone": "260E-FE0F",
    "laptop": "1F4BB",
    "television": "1F4FA",
    "candle": "1F56F-FE0F",
    "guitar": "1F3B8",
    "violin": "1F3BB",
    "trumpet": "1F3BA",
    "drum": "1F941",
    "microphone": "1F3A4",
    "basketball": "1F3C0",
    "trophy": "1F3C6",
    "crown": "1F451",
    "hat": "1F3A9",
    "shoe": "1F45F",
    "dress": "1F457",
    "shirt": "1F455",
    "ring": "1F48D",
    "gift": "1F381",
    "balloon": "1F388",
    "door": "1F6AA",
    "toilet": "1F6BD",
    "backpack": "1F392",
    "anchor": "2693",
    "bomb": "1F4A3",
    "robot": "1F916",
    "ghost": "1F47B",
    "skull": "1F480",
}

# Irregular plurals.
_PLURALS: dict[str, str] = {
    "fox": "foxes",
    "octopus": "octopuses",
    "butterfly": "butterflies",
    "strawberry": "strawberries",
    "bus": "buses",
    "cactus": "cacti",
    "wrench": "wrenches",
    "dress": "dresses",
}

# Background name -> its mean colour (R, G, B). Grey is excluded, because removed patches appear grey to the model.
BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (244, 244, 242),
    "yellow": (250, 224, 110),
    "green": (128, 200, 130),
    "blue": (116, 170, 232),
    "purple": (176, 140, 214),
    "pink": (246, 176, 200),
    "red": (214, 96, 92),
}


def names() -> list[str]:
    """Return all concept names, in the order of the packaged sprites."""
    return list(CONCEPTS)


def backgrounds() -> list[str]:
    """Return the names of the background colours."""
    return list(BACKGROUNDS)


def article(name: str) -> str:
    """Return the indefinite article of a name: "an" before a vowel letter, except "a unicorn"."""
    return "an" if name[0] in "aeiou" and name != "unicorn" else "a"


def plural(name: str) -> str:
    """Return the plural of a name."""
    return _PLURALS.get(name, name + "s")
