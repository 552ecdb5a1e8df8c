"""Groups of commands that suggest a name for one that is not there."""

import difflib

import click


class SuggestingGroup(click.Group):
    """A group that answers a wrong name with the nearest right one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or refuse its name with those that may be meant."""
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-"):
            known = self.list_commands(ctx)
            if self.get_command(ctx, name) is None:
                near = [each for each in known if each.startswith(name)] if len(name) > 1 else []
                near = near or difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
                words = f"Did you mean {' or '.join(map(repr, near[:3]))}?" if near else ""
                ctx.fail(f"No such command {name!r}. {words}".strip())
        return super().resolve_command(ctx, args)
