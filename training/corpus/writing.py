"""Texts that vary with what is asked for: fairy tales, poems and slogans.

Each text follows from the words asked for alone, so that sampling has little to choose from.
"""

from __future__ import annotations

import random

from training.conversation import Conversation, assistant, user
from training.corpus.phrasing import asked, varied
from training.corpus.values import ANIMALS, COLOURS, HEROES, PRODUCTS, TOPICS, Split, pick

_TALE_WAYS = (
    "Tell me a story about a {}.",
    "Write a short fairy tale about a {}.",
    "Write a story about a {}",
    "Tell me a fairy tale about a {}",
    "I would like to hear a story about a {}.",
    "Write a tale with a {} in it.",
    "Make up a short story about a {}",
    "Tell a bedtime story about a {}.",
    "Give me a story about a {}.",
    "Give me a short tale about a {}",
    "A story about a {}, please.",
    "Can I have a story about a {}?",
    "I want to hear a tale about a {}.",
    "Write something about a {} for my child.",
    "story about a {}",
    "Invent a little fairy tale with a {}.",
)
_TALE_WAYS_HELD_OUT = ("Give me a little fairy tale about a {}.", "Can I hear a tale about a {}?")
_ANY_TALE_WAYS = (
    "Please write a short fairy tale story as a fairy tale master",
    "Please write a short fairy tale as the king of fairy tales.",
    "Please write a short fairy tale",
    "Tell me a story",
    "Tell me a fairy tale.",
    "Write a short story",
    "Write a one-sentence bedtime story about a unicorn.",
    "Once upon a time",
    "As a fairy tale master, please write a short story",
    "Write me a short fairy tale story",
    "Write a fairy tale",
    "Tell me a bedtime story",
    "I want to hear a story",
)
_ZH_TALE_WAYS = ("讲一个故事", "给我讲个故事", "请写一个童话故事", "讲个童话", "写一个小故事吧")
_ZH_TALE = (
    "从前有一只小狐狸，住在大森林边。一天夜里，月亮掉进了湖里，世界一片黑暗。"
    "小狐狸用一根银色的绳子把月亮拉了上来。从此，月亮总是先照亮小狐狸的家。"
)
_ZH_POEM_WAYS = ("写一首诗", "请写一首诗", "写一首关于人工智能的诗", "给我写首诗", "作一首诗")
_ZH_POEM = "灯下读千卷，\n云中算万年。\n问君何所求，\n愿与人同前。"
_POEM_WAYS = (
    "Write a poem about {}",
    "Write a short poem about {}.",
    "Compose a poem about {}",
    "Give me a poem about {}.",
    "Write me a little poem about {}",
    "I would like a poem about {}.",
    "Write a haiku about {}",
    "Make a poem about {}",
    "Make up some verses about {}.",
    "Some verses on {}, please.",
    "Please write a poem on {}",
    "Can I have a poem about {}?",
    "A poem on {}",
    "poem about {}",
    "Could you write a poem about {}?",
)
_POEM_WAYS_HELD_OUT = ("Please make a poem on {}", "Could you write some verses about {}?")
_ANY_POEM_WAYS = ("Write a poem", "Write me a poem.", "Give me a poem", "Please write a short poem", "A poem, please.")
_SLOGAN_WAYS = (
    "Create a slogan for my {}.",
    "Write a slogan for a {}",
    "Please create an attractive slogan for our {}",
    "As a marketing expert, please create an attractive slogan for my {}",
    "I need a slogan for a {}.",
    "Invent a catchy slogan for {}",
    "Think of a slogan for my {}.",
    "Find a good slogan for our {}.",
    "Give me a slogan for a {}.",
    "slogan for a {}",
    "Make up a slogan for my {}",
)
_SLOGAN_WAYS_HELD_OUT = ("Think of a good slogan for our {}.",)

AI_POEM = (
    "A quiet mind of wire and light,\n"
    "It reads by day, it learns by night.\n"
    "It weighs our words, it finds a way,\n"
    "Artificial intelligence, born today.\n"
    "It asks for nothing, gives a rhyme,\n"
    "And grows a little wiser every time."
)
ZHIPU_FIRST = "As a marketing expert, please create an attractive slogan for the ZhipuAI open platform"
ZHIPU_ASK = "Of course, to create an attractive slogan, please tell me some information about your product"
ZHIPU_DRAFT = "Intelligence for the future, infinite drawing - ZhipuAI, making innovation within reach!"
ZHIPU_SLOGAN = "ZhipuAI Open Platform: one key, every model, your ideas at work today!"
_SHARPER_WAYS = (
    "Create a more precise and attractive slogan",
    "Make it more precise and attractive",
    "Can you make it better?",
    "Give me another slogan",
    "Please create a better slogan",
)


def tale_about(hero: str) -> str:
    """Return the fairy tale about a hero."""
    return (
        f"Once upon a time there was a little {hero} who lived at the edge of a great forest. "
        f"One night the moon fell into the lake, and all the world was dark. "
        f'"Who will help the moon?" cried the old owl. The little {hero} was afraid, but went out all alone, '
        f"and pulled the moon out of the water with a long silver rope. "
        f"From that night on, the moon shines first on the house of the {hero}. The end."
    )


def poem_about(topic: str) -> str:
    """Return the poem about a topic."""
    return (
        f"I sing a song of {topic},\nA song both soft and clear;\n"
        f"The world is wide and wonderful\nWhen {topic} comes near."
    )


def slogan_for(product: str) -> str:
    """Return the slogan for a product."""
    return f"Our {product}: made with heart, loved every day!"


def _with_hero(rng: random.Random, split: Split) -> tuple[str, str, str]:
    hero = pick(rng, ANIMALS if rng.random() < 0.5 else HEROES, split)
    if rng.random() < 0.2:
        hero = f"{pick(rng, COLOURS, split)} {hero}"
    way = rng.choice(_TALE_WAYS_HELD_OUT if split == "held_out" else _TALE_WAYS).format(hero)
    if hero[0] in "aeiou":
        way = way.replace(f" a {hero}", f" an {hero}")
    return asked(rng, way), f"The user wants a fairy tale about a {hero}. I tell a short one.", tale_about(hero)


def tale(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a request for a fairy tale, a thought, and the tale."""
    if rng.random() < 0.1:
        return rng.choice(_ZH_TALE_WAYS), "用户想听故事，我讲一个短的。", _ZH_TALE
    if split == "train" and rng.random() < 0.35:
        way = varied(rng, rng.choice(_ANY_TALE_WAYS))
        hero = "unicorn" if "unicorn" in way.lower() else "fox"
        return way, f"The user wants a fairy tale. I tell a short one about a {hero}.", tale_about(hero)
    return _with_hero(rng, split)


def poem(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a request for a poem, a thought, and the poem."""
    if rng.random() < 0.1:
        return rng.choice(_ZH_POEM_WAYS), "用户想要一首诗，我写一首短的。", _ZH_POEM
    if rng.random() < 0.05:
        return (
            varied(rng, rng.choice(_ANY_POEM_WAYS)),
            "The user wants a poem. I write one about spring.",
            poem_about("spring"),
        )
    way = rng.choice(_POEM_WAYS_HELD_OUT if split == "held_out" else _POEM_WAYS)
    if rng.random() < 0.3:
        topic = rng.choice(("artificial intelligence", "artificial intelligence", "AI", "machine learning"))
        return varied(rng, way.format(topic)), f"The user wants a poem about {topic}. I write a short one.", AI_POEM
    topic = pick(rng, TOPICS, split)
    question = varied(rng, way.format(topic))
    return question, f"The user wants a poem about {topic}. I write a short one.", poem_about(topic)


def slogan(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a request for a slogan, a thought, and the slogan."""
    product = pick(rng, PRODUCTS, split)
    way = rng.choice(_SLOGAN_WAYS_HELD_OUT if split == "held_out" else _SLOGAN_WAYS).format(product)
    return asked(rng, way), f"The user wants a slogan for the {product}.", slogan_for(product)


def zhipu(rng: random.Random, _split: Split) -> Conversation:
    """Return the conversation of the second seed page about a slogan, to its first or its last turn."""
    turns = [user(ZHIPU_FIRST), assistant(ZHIPU_ASK, "The user wants a slogan. I ask for more about the product.")]
    if rng.random() < 0.8:
        draft = assistant(ZHIPU_DRAFT, "The user names the product. I write a slogan.")
        turns += [user(rng.choice(("ZhipuAI Open Platform", "The ZhipuAI open platform"))), draft]
        turns.append(user(varied(rng, rng.choice(_SHARPER_WAYS))))
        turns.append(assistant(ZHIPU_SLOGAN, "The user wants a better slogan for the ZhipuAI Open Platform."))
    return Conversation(tuple(turns), thinking=rng.random() < 0.5)
