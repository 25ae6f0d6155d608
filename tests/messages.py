"""Every message of the code that a person can meet, read from the source: where it stands, what it can say.

Nothing is run. A message is a call of one of the places below, and its text an expression, of which the parts
that are filled in are holes. What a local variable or a function of this project puts there is followed.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: exceptions whose text is for people, beside all that scripts derive from Exception
ERRORS = frozenset({"HandgradError", "WorkflowError", "argparse.ArgumentTypeError"})
#: functions and methods whose first argument is shown, by how they are called
SHOWN = re.compile(
    r"sys\.exit|SystemExit|warnings\.warn|sys\.stderr\.write|parser\.error|message_figure|logging\.makeLogRecord"
    r"|\w*logger\.(warning|error|critical)"
)
#: what tells how work goes on, and seldom of trouble: the page may have it and need not
TOLD = re.compile(r"print|\w*logger\.info")
DEEPEST = 4  # calls that are followed into each other

LOGGED = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[a-z]")  # what a logger fills in
FILLED_IN = re.compile(
    r"\$\$?\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$\$?\w+"
)  # what a shell or make fills in
PREFIX = re.compile(r"[^\s<]+( [^\s<]+)?: ")  # of a command or a file, before what others say
ECHOED = re.compile(r'echo "(?P<said>[^"]+)" >&2|(?P<name>\w+):\?"(?P<unset>[^"]+)"')


@dataclass(frozen=True)
class Hole:
    """Text that is not known before it is filled in."""


@dataclass(frozen=True)
class Words:
    """Text as it stands in a file."""

    text: str
    place: str


@dataclass(frozen=True)
class Choice:
    """One text or another."""

    options: tuple["Text", ...]


Text = tuple[Hole | Words | Choice, ...]
HOLE: Text = (Hole(),)
Scope = Mapping[str, Text]


@dataclass(frozen=True)
class Message:
    """A message of the code.

    place: file:line. by: what is called with it. needed: whether it must be explained.
    """

    place: str
    text: Text
    by: str = ""
    needed: bool = True

    @property
    def shown(self) -> str:
        """What it says, with <...> for each hole and (... | ...) for a choice."""
        return _shown(self.text)

    @property
    def passes_on(self) -> bool:
        """Whether it has no words of its own, but those of a prefix such as ``make recover: ``."""
        *before, last = self.text or HOLE
        return not has_words(self.text) or (last == Hole() and bool(PREFIX.fullmatch(_shown(tuple(before)))))


def has_words(text: Text) -> bool:
    """Whether a text says something by itself."""
    return any(
        bool(re.search("[A-Za-z]{2}", part.text))
        if isinstance(part, Words)
        else any(map(has_words, part.options))
        for part in text
        if not isinstance(part, Hole)
    )


def _shown(text: Text) -> str:
    parts = []
    for part in text:
        if isinstance(part, Words):
            parts.append(part.text)
        elif isinstance(part, Hole):
            parts.append("<...>")
        else:
            parts.append(f"({' | '.join(map(_shown, part.options))})")
    return "".join(parts)


def all_messages(root: Path = ROOT) -> list[Message]:
    """All messages of scripts, rules, profiles and the Makefile, in the order of files and lines."""
    found = python_messages(python_sources(root))
    for path in [root / "Makefile", *sorted((root / "profiles").rglob("*.sh"))]:
        found += shell_messages(str(path.relative_to(root)), path.read_text())
    return found


def python_sources(root: Path = ROOT) -> dict[str, str]:
    """The Python of the scripts and rules, by file."""
    paths = [*sorted((root / "scripts").rglob("*.py")), root / "workflow/rules/common.smk"]
    return {str(path.relative_to(root)): path.read_text() for path in paths}


def shell_messages(file: str, source: str) -> Iterator[Message]:
    """What a shell script or a Makefile writes to stderr."""
    for number, line in enumerate(source.splitlines(), 1):
        for said in ECHOED.finditer(line):
            place = f"{file}:{number}"
            unset = f"$0: line $LINENO: {said['name']}: {said['unset']}"  # as bash says it
            yield Message(place, _cut(said["said"] or unset, FILLED_IN, place))


def _cut(text: str, holes: re.Pattern[str], place: str) -> Text:
    parts = [(Words(words, place),) if words else () for words in holes.split(text)]
    return tuple(part for words in parts for part in (*words, Hole()))[:-1]


# --- Python


@dataclass(frozen=True)
class Module:
    """A file: its functions and classes by name, and the modules from which it imports names."""

    file: str
    tree: ast.Module
    functions: Mapping[str, ast.FunctionDef]
    classes: Mapping[str, ast.ClassDef]
    imports: Mapping[str, str]


def _module(file: str, source: str) -> Module:
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    return Module(
        file,
        tree,
        {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)},
        {node.name: node for node in nodes if isinstance(node, ast.ClassDef)},
        {
            name.asname or name.name: (node.module or "").rpartition(".")[2]
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        },
    )


def unread_mistakes(sources: Mapping[str, str]) -> Iterator[str]:
    """Where words about mistakes are made in a way that is not read: file:line.

    That is in a function of mistakes that is no generator, or for a list of mistakes.
    """
    for file, source in sources.items():
        yield from (f"{file}:{node.lineno}" for node in ast.walk(ast.parse(source)) if _hides(node))


def _hides(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name=name, returns=ast.expr() as returns) if "mistakes" in name:
            return "str" in ast.unparse(returns) and not _yields_text(node)
        case ast.Call(func=ast.Attribute(value=to, attr="append" | "extend"), args=[value]):
            return _of_mistakes(to) and _says(value)
        case ast.Assign(targets=[to], value=value) | ast.AugAssign(target=to, value=value):
            return _of_mistakes(to) and _says(value)
        case ast.Return(value=ast.Tuple(elts=[*values])):
            return any(isinstance(value, ast.List | ast.ListComp) and _says(value) for value in values)
    return False


def _of_mistakes(node: ast.expr) -> bool:
    return re.search(r"(mistakes|wrong)$", ast.unparse(node)) is not None


def _says(node: ast.expr) -> bool:
    """Whether texts in an expression have words with a blank between."""
    texts = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant))
    return any(re.search("[A-Za-z]{2} | [A-Za-z]{2}", text) for text in texts if isinstance(text, str))


def python_messages(sources: Mapping[str, str]) -> list[Message]:
    """The messages of some modules, given the source of each file."""
    modules = {Path(file).stem: _module(file, source) for file, source in sources.items()}
    errors = ERRORS | {
        name
        for module in modules.values()
        for name, node in module.classes.items()
        if any(isinstance(base, ast.Name) and re.search("Error$|Exception$", base.id) for base in node.bases)
    }
    return [
        message
        for module in modules.values()
        for message in sorted(_Reader(modules, module, errors).messages(), key=_line)
    ]


def _line(message: Message) -> int:
    return int(message.place.rpartition(":")[2])


@dataclass(frozen=True)
class _Reader:
    """Reads a module. function: the one in which an expression stands; bound: what its parameters are."""

    modules: Mapping[str, Module]
    module: Module
    errors: frozenset[str]
    function: ast.FunctionDef | None = None
    bound: Scope = field(default_factory=dict)
    depth: int = 0

    def messages(self) -> Iterator[Message]:
        """The messages of the module."""
        for node, function in _with_functions(self.module.tree, None):
            reader = replace(self, function=function)
            if isinstance(node, ast.Call):
                yield from reader.call(node)
            elif isinstance(node, ast.Yield | ast.YieldFrom) and _yields_text(function):
                yield from reader.yielded(node)

    def call(self, node: ast.Call) -> Iterator[Message]:
        name = ast.unparse(node.func)
        told = TOLD.fullmatch(name)
        if name in self.errors or (node.args and (told or SHOWN.fullmatch(name))):
            needed = not told or any("stderr" in ast.unparse(word) for word in node.keywords)
            for text in self.error(node) if name in self.errors else self.arguments(node, name):
                yield Message(self.place(node), text, name, needed)

    def arguments(self, node: ast.Call, name: str) -> Iterator[Text]:
        """What a call shows of its first argument."""
        first = node.args[0]
        if isinstance(first, ast.Dict):  # makeLogRecord
            fields = zip(first.keys, first.values, strict=True)
            first = next(
                value for key, value in fields if isinstance(key, ast.Constant) and key.value == "msg"
            )
        if "logger." in name and isinstance(first, ast.Constant):
            yield _cut(str(first.value), LOGGED, self.place(node))
        else:
            yield self.text(first)

    def error(self, node: ast.Call) -> Iterator[Text]:
        """The text of an exception; one for each element of a list."""
        name = ast.unparse(node.func)
        init = self._init(name)
        text = self._follow(*init, node, skip_self=True) if init else HOLE
        if has_words(text):
            yield text
            return
        for argument in node.args[:1]:
            if isinstance(argument, ast.ListComp):
                yield self.text(argument.elt)
            elif isinstance(argument, ast.List):
                yield from map(self.text, argument.elts)
            else:
                yield self.text(argument)

    def yielded(self, node: ast.Yield | ast.YieldFrom) -> Iterator[Message]:
        """What a generator of mistakes yields, a line each; names and paths have no blank."""
        value = node.value
        if isinstance(node, ast.YieldFrom):
            value = value.elt if isinstance(value, ast.GeneratorExp) else None
        text = self.text(value) if value else HOLE
        if value and has_words(text) and " " in _shown(text).replace(" | ", ""):
            yield Message(self.place(value), text, "yield")

    def place(self, node: ast.expr) -> str:
        return f"{self.module.file}:{node.lineno}"

    # --- the text of an expression

    def text(self, node: ast.expr) -> Text:
        """What an expression of type str can be."""
        match node:
            case ast.Constant(value=str(words)):
                return (Words(words, self.place(node)),) if words else ()
            case ast.Constant(value=None):
                return ()
            case ast.JoinedStr():
                return _joined(map(self.text, node.values))
            case ast.FormattedValue(conversion=-1, format_spec=None):
                return self.text(node.value)
            case ast.BinOp(op=ast.Add()):
                return _joined([self.text(node.left), self.text(node.right)])
            case ast.IfExp():
                return _choice([self.text(node.body), self.text(node.orelse)])
            case ast.BoolOp(op=ast.Or()):
                return _choice(map(self.text, node.values))
            case ast.Name():
                return self.variable(node.id)
            case ast.Call():
                return self.returned(node)
        return HOLE

    def variable(self, name: str) -> Text:
        """What a parameter, a local variable or a constant of a module can be."""
        if name in self.bound:
            return self.bound[name]
        nodes = list(ast.walk(self.function)) if self.function and self.depth <= DEEPEST else []
        nodes += self._home(name).tree.body
        values = [value for node in nodes for value in _assigned(node, name)]
        grows = any(isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name for node in nodes)
        deeper = replace(self, depth=self.depth + 1)
        return HOLE if grows or not values else _choice(map(deeper.text, values))

    def returned(self, node: ast.Call) -> Text:
        """What a call can return: of a join of a list, or of a function of the project."""
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join"),
                args=[ast.List() as items],
            ):
                return self._glued(glue, items)
            case ast.Call(func=ast.Name(id=name)):
                found = self._function(name)
            case ast.Call(func=ast.Attribute(attr=name)):
                function = self.module.functions.get(name)
                found = (self.module, function) if function else None
            case _:
                found = None
        return self._follow(*found, node, isinstance(node.func, ast.Attribute)) if found else HOLE

    def _glued(self, glue: str, items: ast.List) -> Text:
        between: Text = (Words(glue, self.place(items)),)
        parts: list[Text] = []
        for item, following in zip(items.elts, [*items.elts[1:], None], strict=True):
            starred = isinstance(item, ast.Starred)  # of unknown length: its hole takes the glue as well
            last = following is None or isinstance(following, ast.Starred)
            parts.append(HOLE if starred else _joined([self.text(item), () if last else between]))
        return _joined(parts)

    def _home(self, name: str) -> Module:
        """The module in which a name of this one is defined."""
        return self.modules.get(self.module.imports.get(name, ""), self.module)

    def _function(self, name: str) -> tuple[Module, ast.FunctionDef] | None:
        module = self._home(name)
        function = module.functions.get(name)
        return (module, function) if function else None

    def _init(self, name: str) -> tuple[Module, ast.FunctionDef] | None:
        module = self._home(name)
        body = module.classes[name].body if name in module.classes else []
        inits = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        return (module, inits[0]) if inits else None

    def _follow(self, module: Module, function: ast.FunctionDef, call: ast.Call, skip_self: bool) -> Text:
        """What a function returns, or hands to the __init__ of Exception, for the arguments of a call."""
        if self.depth > DEEPEST:
            return HOLE
        names = [argument.arg for argument in function.args.args][skip_self:]
        given = [*zip(names, call.args, strict=False), *((word.arg, word.value) for word in call.keywords)]
        bound = {name: self.text(value) for name, value in given if name}
        inside = _Reader(self.modules, module, self.errors, function, bound, self.depth + 1)
        results = [value for node in ast.walk(function) for value in _results(node)]
        return _choice(map(inside.text, results)) if results else HOLE


def _with_functions(
    node: ast.AST, function: ast.FunctionDef | None
) -> Iterator[tuple[ast.AST, ast.FunctionDef | None]]:
    """All nodes below one, each with the function in which it stands."""
    for child in ast.iter_child_nodes(node):
        yield child, function
        yield from _with_functions(child, child if isinstance(child, ast.FunctionDef) else function)


def _yields_text(function: ast.FunctionDef | None) -> bool:
    return (
        function is not None
        and function.returns is not None
        and ast.unparse(function.returns) == "Iterator[str]"
    )


def _assigned(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """The expressions that a statement assigns to a variable."""
    if isinstance(node, ast.NamedExpr) and node.target.id == name:
        yield node.value
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        yield from (value for to, value in pairs if isinstance(to, ast.Name) and to.id == name)


def _results(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Return(value=ast.expr() as value):
            yield value
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
            yield from node.args[:1]


def _joined(texts: Iterable[Text]) -> Text:
    return tuple(part for text in texts for part in text)


def _choice(texts: Iterable[Text]) -> Text:
    """One of some texts; a hole, if one of them can be anything."""
    options = tuple(dict.fromkeys(texts))
    if any(text and not has_words(text) and Hole() in text for text in options):
        return HOLE
    return options[0] if len(options) == 1 else (Choice(options),)
