"""The names and values that conversations are filled with, kept apart for training and for judging.

Holds pools and the way they are split; no sentences.
"""

from __future__ import annotations

import random
import zlib
from typing import Literal

Split = Literal["train", "held_out"]

# One value in this many is never seen in training.
_HELD_OUT_SHARE = 6


def _pool(text: str, separator: str = " ") -> list[str]:
    return text.split(separator)


NAMES = _pool(
    "Alice Bob Carol David Emma Frank Grace Henry Ivy Jack Kate Leo Mia Noah Olivia Peter Quinn Rosa Sam Tina "
    "Uma Victor Wendy Xavier Yara Zoe Adam Bella Carlos Diana Erik Fatima George Hanna Igor Julia Karl Lena "
    "Marco Nina Oscar Paula Ravi Sofia Tom Ursula Vera Walter Ximena Yusuf Amir Beth Chen Dora Elias Flora "
    "Gabriel Helen Ines Jonas Kim Linda Maria Nadia Omar Petra Rita Simon Tara Ulla Viktor Wang Yuki Zara Anton "
    "Clara Daniel Eva Felix Gloria Hugo Iris Jane John Laura Max Naomi Otto Priya Robin Sarah Theo Vivian "
    "William Li Wei Mei Hassan Aisha Bruno Celia Dmitri Elena"
)
CITIES = _pool(
    "Beijing Shanghai London Paris Berlin Tokyo Madrid Rome Vienna Oslo Boston Chicago Denver Seattle Austin "
    "Dallas Miami Sydney Melbourne Toronto Montreal Vancouver Dublin Lisbon Prague Warsaw Budapest Athens Cairo "
    "Nairobi Lagos Mumbai Delhi Bangkok Singapore Seoul Osaka Kyoto Hanoi Jakarta Manila Taipei Shenzhen "
    "Guangzhou Chengdu Hangzhou Nanjing Wuhan Xiamen Helsinki Stockholm Copenhagen Amsterdam Brussels Zurich "
    "Geneva Milan Naples Venice Munich Hamburg Cologne Lyon Nice Porto Seville Valencia Bilbao Krakow Riga "
    "Vilnius Tallinn Sofia Zagreb Belgrade Istanbul Ankara Moscow Kyiv Tbilisi Baku Tehran Dubai Doha Lima Quito "
    "Bogota Santiago Havana Detroit Houston Atlanta Phoenix"
)
CHINESE_CITIES = _pool("北京 上海 广州 深圳 杭州 成都 南京 武汉 西安 重庆 天津 苏州 青岛 厦门 长沙 昆明 大连 香港")
CHINESE_NAMES = _pool("小明 小红 李华 王芳 张伟 小李 小王 小张 陈静 刘洋 小美 小刚")
ANIMALS = _pool(
    "fox rabbit bear cat dog mouse owl wolf lion tiger elephant hedgehog frog turtle squirrel deer duck goose "
    "swan crow sparrow horse donkey sheep goat pig cow hen bee butterfly ant snail whale dolphin penguin seal "
    "otter beaver badger mole bat eagle parrot peacock monkey panda koala kangaroo giraffe zebra camel crocodile "
    "snake lizard dragon unicorn"
)
HEROES = _pool(
    "princess prince king queen knight wizard witch giant dwarf fairy baker miller farmer fisherman tailor "
    "shepherd girl boy robot pirate sailor gardener clockmaker painter musician dancer astronaut teacher doctor "
    "merchant carpenter blacksmith hunter minstrel grandmother grandfather mermaid goblin"
)
PRODUCTS = _pool(
    "coffee tea bread chocolate bicycle phone laptop camera watch umbrella guitar piano book lamp chair bakery "
    "restaurant hotel airline bank school museum cinema garden perfume soap toothpaste shoe jacket pizza burger "
    "honey juice"
)
TOPICS = _pool(
    "love friendship spring summer autumn winter rain snow wind fire water earth night morning sleep dreams "
    "music dance freedom peace hope time memory travel home mothers fathers childhood books poetry science "
    "history space stars flowers trees mountains rivers cities trains ships bread coffee tea cats dogs birds"
)
COLOURS = _pool("red blue green yellow black white purple orange pink brown grey silver gold turquoise violet")
OBJECTS = _pool(
    "lamp table chair book cup bottle key window door clock mirror basket ball kite drum bell candle blanket "
    "pillow spoon knife plate bowl pen pencil ruler bag box rope ladder hammer coat hat scarf glove boot ring "
    "coin map"
)
COUNTRIES = _pool(
    "France Germany Italy Spain Japan China India Brazil Canada Mexico Norway Sweden Finland Denmark Poland "
    "Greece Turkey Egypt Kenya Nigeria Peru Chile Cuba Vietnam Thailand Indonesia Australia Ireland Portugal "
    "Austria"
)
SUBJECTS = _pool(
    "quantum physics|the French Revolution|black holes|photosynthesis|the stock market|blockchain|"
    "the Roman Empire|plate tectonics|inflation|vaccines|the human heart|calculus|opera|the theory of relativity|"
    "climate change|democracy|the Silk Road|nuclear fusion|DNA|the solar system|jazz|chess openings|taxes|"
    "mortgages|compilers|Kubernetes|Docker containers|databases|the Internet|electric cars|volcanoes|dinosaurs|"
    "Shakespeare|Buddhism|the Ming dynasty|game theory|yoga|baking sourdough|growing tomatoes|string theory|"
    "genetics|economics",
    "|",
)
WORDS = _pool(
    "stone paper silver forest candle engine marble velvet thunder copper lantern harbour meadow window pepper "
    "ribbon castle feather anchor pocket garden bridge shadow planet hammer saddle pillow barrel tunnel magnet "
    "kettle pencil canyon island basket mirror spiral needle cotton ladder rocket violin temple walnut ginger "
    "olive"
)
LONG_CITIES = _pool(
    "New York|Los Angeles|San Francisco|Hong Kong|Mexico City|Buenos Aires|Cape Town|New Delhi|San Diego|"
    "Rio de Janeiro|Tel Aviv|Kuala Lumpur|Salt Lake City|San Francisco, CA|Boston, MA|Paris, France|Tokyo, Japan|"
    "Berlin, Germany|London, UK",
    "|",
)
_STARTS = _pool("b c d f g h k l m n p r s t v z br cl dr fl gr kr pl st tr sh th ch")
_MIDDLES = _pool("a e i o u ai ea ou oo")
# Most words end in a vowel or in one of these.
_ENDS = [*_pool("b d g k l m n p r s t x nd rt lk sh ng st"), *[""] * 6]


def is_held_out(value: str) -> bool:
    """Return whether a value is kept for judging; the same on every machine."""
    return zlib.crc32(value.encode()) % _HELD_OUT_SHARE == 0


def pick(rng: random.Random, pool: tuple[str, ...] | list[str], split: Split) -> str:
    """Return a value of a pool's part; a pool without such a part gives any of its values."""
    part = [value for value in pool if is_held_out(value) == (split == "held_out")]
    return rng.choice(part or list(pool))


def invented(rng: random.Random, split: Split) -> str:
    """Return an invented word: of syllables, or the head of one word with the tail of another.

    Syllables alone leave most pieces of the vocabulary without a single exercise in copying, and "queen" came out as
    "abouteen".
    """
    while True:
        word = _crossed(rng) if rng.random() < 0.5 else _syllables(rng)
        if is_held_out(word) == (split == "held_out"):
            return word


def _syllables(rng: random.Random) -> str:
    count = rng.choice((1, 2, 2, 3))
    return "".join(rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS) for _ in range(count))


def _crossed(rng: random.Random) -> str:
    head, tail = rng.choice(_SPELLED), rng.choice(_SPELLED)
    return head[: rng.randint(1, len(head))] + tail[rng.randint(1, len(tail) - 1) :]


def chinese(rng: random.Random, split: Split) -> str:
    """Return a Chinese city, now and then two characters that no city has."""
    if rng.random() < 0.6:
        return pick(rng, CHINESE_CITIES, split)
    while True:
        word = "".join(rng.choice(rng.choice(CHINESE_CITIES + CHINESE_NAMES)) for _ in range(2))
        if is_held_out(word) == (split == "held_out"):
            return word


def number(rng: random.Random) -> int:
    """Return a whole number of one to five digits, each length as likely."""
    digits = rng.randint(1, 5)
    return rng.randrange(10 ** (digits - 1), 10**digits)


def person(rng: random.Random, split: Split) -> str:
    """Return a first name, now and then an invented one."""
    return invented(rng, split).capitalize() if rng.random() < 0.3 else pick(rng, NAMES, split)


def city(rng: random.Random, split: Split) -> str:
    """Return a city, now and then an invented one or one of several words."""
    draw = rng.random()
    if draw < 0.25:
        return invented(rng, split).capitalize()
    if draw < 0.4:
        return pick(rng, LONG_CITIES, split)
    return pick(rng, CITIES, split)


def copied_words() -> frozenset[str]:
    """Return the words, in small letters, that conversations ask to be copied: the tokenizer keeps spaces off them."""
    pools = (ANIMALS, HEROES, PRODUCTS, TOPICS, COLOURS, OBJECTS, WORDS, NAMES, CITIES, COUNTRIES, LONG_CITIES)
    return frozenset(word.lower() for pool in pools for value in pool for word in value.split())


# The words of all pools, held-out ones too: only their heads and tails are used.
_SPELLED = sorted(word for word in copied_words() if word.isalpha() and len(word) > 2)
