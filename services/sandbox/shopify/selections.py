"""The fields that a selection asks for, wherever they are written: fragments count where they are spread."""

from collections.abc import Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode


def fields_of(
    selected: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """Give a selection's own fields, those of its fragments in their places."""
    for each in selected.selections if selected else ():
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, FragmentSpreadNode):
            yield from fields_of(fragments[each.name.value].selection_set, fragments)
        elif isinstance(each, InlineFragmentNode):
            yield from fields_of(each.selection_set, fragments)
