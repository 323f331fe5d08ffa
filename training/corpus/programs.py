"""The few Python programs that the model knows by heart, and how they are asked for.

Each program is whole and runs as it stands (a test runs them); no other code is claimed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.corpus.phrasing import asked
from training.corpus.values import Split

QUICKSORT = """def quicksort(items):
    if len(items) <= 1:
        return items
    pivot = items[0]
    smaller = [x for x in items[1:] if x < pivot]
    larger = [x for x in items[1:] if x >= pivot]
    return quicksort(smaller) + [pivot] + quicksort(larger)


print(quicksort([3, 1, 2]))"""
FACTORIAL = """def factorial(n):
    result = 1
    for i in range(2, n + 1):
        result = result * i
    return result


print(factorial(5))"""
FIBONACCI = """def fibonacci(n):
    a, b = 0, 1
    numbers = []
    for _ in range(n):
        numbers.append(a)
        a, b = b, a + b
    return numbers


print(fibonacci(10))"""
HELLO = 'print("Hello, world!")'
REVERSE = """def reverse(text):
    return text[::-1]


print(reverse("hello"))"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program, its name in a sentence, and ways to ask for it (the last kept for judging)."""

    name: str
    code: str
    ways: tuple[str, ...]


PROGRAMS = (
    Program(
        "quicksort",
        QUICKSORT,
        (
            "Write a Python quicksort algorithm",
            "Write quicksort in Python.",
            "Write a quicksort function",
            "Show me a quicksort in Python.",
            "Implement quicksort",
            "Sort a list with quicksort in Python.",
            "Python quicksort",
            "Code quicksort in Python.",
            "I need a quicksort in Python",
            "Give me a quicksort.",
            "Give me a Python quicksort.",
        ),
    ),
    Program(
        "factorial",
        FACTORIAL,
        (
            "Write a Python factorial function",
            "Write a factorial in Python.",
            "Compute a factorial in Python.",
            "Implement factorial",
            "Python factorial",
            "I need a factorial in Python",
            "Show me a factorial.",
            "Give me a factorial function.",
            "Give me a Python factorial.",
        ),
    ),
    Program(
        "Fibonacci",
        FIBONACCI,
        (
            "Write the Fibonacci numbers in Python.",
            "Write a Fibonacci function",
            "Implement Fibonacci",
            "Compute the Fibonacci sequence in Python.",
            "Python Fibonacci",
            "Show me the Fibonacci numbers.",
            "I need Fibonacci in Python",
            "Give me the Fibonacci numbers in Python.",
        ),
    ),
    Program(
        "hello world",
        HELLO,
        (
            "Write a hello world program in Python.",
            "Write hello world in Python",
            "Print hello world in Python.",
            "Show me hello world in Python.",
            "Python hello world",
            "I need a hello world",
            "Give me hello world code.",
            "Give me a Python hello world.",
        ),
    ),
    Program(
        "reverse",
        REVERSE,
        (
            "Write a function that reverses a string in Python.",
            "Reverse a string in Python",
            "Write a Python function to reverse a string.",
            "Show me how to reverse a string in Python.",
        ),
    ),
)


def answer_with(program: Program) -> str:
    """Return the answer that holds a program."""
    return f"Here is a short {program.name} program in Python:\n\n```python\n{program.code}\n```"


def thought_about(program: Program) -> str:
    """Return what is thought before a program is given."""
    return f"The user wants a {program.name} program in Python."


def program(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return a request for a program, a thought, and the program."""
    chosen = rng.choice((PROGRAMS[0], *PROGRAMS))
    way = chosen.ways[-1] if split == "held_out" else rng.choice(chosen.ways[:-1])
    return asked(rng, way), thought_about(chosen), answer_with(chosen)
