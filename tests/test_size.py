"""The size budget: what has grown too large is split, never exempted."""

import ast
from pathlib import Path
from statistics import median, quantiles

PRODUCT = Path(__file__).parent.parent / "exporter"
COMPOSITION_ROOT = PRODUCT / "app.py"
LONGEST_MODULE = 300
LONGEST_FUNCTION = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_module_is_long() -> None:
    """No module has more than 300 lines."""
    long = {str(path.relative_to(PRODUCT)): lines for path in modules() if (lines := len(text(path))) > LONGEST_MODULE}

    assert long == {}


def test_no_function_is_long() -> None:
    """No function has more than 50 lines without its docstring, but in the composition root."""
    long = {
        f"{path.relative_to(PRODUCT)}:{function.name}": length(function)
        for path in modules()
        if path != COMPOSITION_ROOT
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    }

    assert long == {}


def test_functions_are_short_as_a_rule() -> None:
    """Half of the functions have at most 8 lines, nine of ten at most 25."""
    lengths = [length(function) for path in modules() for function in functions(path)]

    assert median(lengths) <= 8
    assert quantiles(lengths, n=10)[-1] <= 25


def modules() -> list[Path]:
    """Return the product's modules."""
    return sorted(PRODUCT.rglob("*.py"))


def text(path: Path) -> list[str]:
    """Return a module's lines."""
    return path.read_text(encoding="utf-8").splitlines()


def functions(path: Path) -> list[Function]:
    """Return all functions of a module, inner ones too."""
    return [node for node in ast.walk(ast.parse("\n".join(text(path)))) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Return the lines of a function, its docstring taken off."""
    documented = ast.get_docstring(function) is not None
    docstring = function.body[0] if documented else None
    taken_off = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - taken_off
