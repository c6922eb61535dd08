"""What `genesis models status` tells, for people and for scripts (genesis.md 10.5). No key is shown but masked."""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.auth.lookup import Resolved
from genesis.auth.texts import mask
from genesis.commands import model_expiry
from genesis.commands.installation import Installation
from genesis.core.refs import ModelRef, key
from genesis.failover.cooldowns import is_active

LABEL = 14


def status_of(home: Installation, probes: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:  # fmt: skip
    """Everything, in the form that `--json` prints."""
    choice, defaults = home.choice, home.loaded.settings.agents.defaults
    auth: dict[str, Any] = {
        "storePath": home.paths.shown(home.paths.auth_profiles),
        "shellEnvFallback": {
            "enabled": home.loaded.settings.env.shell_env.enabled,
            "appliedKeys": list(home.loaded.shell_keys),
        },
        "providersWithOAuth": sorted(
            {one.provider for one in home.stored.values() if one.type == "oauth"}
        ),
        "missingProvidersInUse": missing_providers(home),
        "providers": [_provider(home, name) for name in _providers(home)],
        "unusableProfiles": unusable_profiles(home),
        "oauth": model_expiry.expiries(home),
    }
    if probes is not None:
        auth["probes"] = {"results": list(probes)}
    return {
        "configPath": home.paths.shown(home.paths.config_path),
        "agentDir": home.paths.shown(home.paths.agent_dir),
        "defaultModel": defaults.primary or _written(choice.primary),
        "resolvedDefault": _written(choice.primary),
        "fallbacks": [key(ref) for ref in choice.fallbacks],
        "imageModel": _written(choice.image) or None,
        "imageFallbacks": [key(ref) for ref in choice.image_fallbacks],
        "aliases": dict(choice.aliases),
        "allowed": [key(ref) for ref in choice.listed],
        "auth": auth,
    }


def missing_providers(home: Installation) -> list[str]:
    """The providers that are in use and have no key."""
    return sorted({ref.provider for ref in home.choice.in_use if not home.has_key(ref.provider)})


def check(home: Installation) -> int:
    """The exit code of `--check`."""
    return model_expiry.exit_code(home, missing_providers(home))


def unusable_profiles(home: Installation) -> list[dict[str, Any]]:
    """The stored keys that rest; never those of a provider whose keys do not rest."""
    now, found = home.now_ms, []
    for name, stats in home.state.usage_stats.items():
        stored = home.stored.get(name)
        if stored is None or stored.provider in home.exempt:
            continue
        rests = (
            ("cooldown", stats.cooldown_until, stats.cooldown_reason),
            ("disabled", stats.disabled_until, stats.disabled_reason),
        )
        for kind, until, reason in rests:
            if until is not None and is_active(until, now):
                found.append(
                    {
                        "profileId": name,
                        "provider": stored.provider,
                        "kind": kind,
                        "reason": reason,
                        "until": int(until),
                        "remainingMs": int(until - now),
                    }
                )
    return found


def _providers(home: Installation) -> list[str]:
    """Those with a key anywhere, and those in use."""
    named = {ref.provider for ref in home.choice.in_use}
    named |= {one.provider for one in home.stored.values()}
    named |= {name.lower() for name in home.loaded.settings.models.providers}
    named |= {name for name in home.manifests if home.resolved(name) is not None}
    return sorted(named)


def _provider(home: Installation, name: str) -> dict[str, Any]:
    resolved = home.resolved(name)
    stored = {id_: one for id_, one in home.stored.items() if one.provider == name}
    kinds = [one.type for one in stored.values()]
    entry: dict[str, Any] = {
        "provider": name,
        "effective": _effective(home, name, resolved),
        "profiles": {
            "count": len(stored),
            "oauth": kinds.count("oauth"),
            "token": kinds.count("token"),
            "apiKey": kinds.count("api_key"),
            "labels": [f"{id_}={_masked_profile(home, id_)}" for id_ in stored],
        },
    }
    from_env = home.accounts.key_in_environ(name)
    if from_env is not None:
        entry["env"] = {"value": mask(from_env.key.reveal()), "source": from_env.source}
    configured = home.accounts.key_in_settings(name)
    if configured is not None:
        source = home.paths.shown(home.paths.config_path)
        entry["modelsJson"] = {"value": mask(configured.key.reveal()), "source": source}
    return entry


def _effective(home: Installation, name: str, resolved: Resolved | None) -> dict[str, str]:
    if resolved is None:
        if home.has_key(name):
            return {"kind": "synthetic", "detail": "needs no key"}
        return {"kind": "missing", "detail": "missing"}
    if resolved.kind == "profiles":
        return {"kind": "profiles", "detail": home.paths.shown(home.paths.auth_profiles)}
    return {"kind": resolved.kind, "detail": mask(resolved.key.reveal())}


def _masked_profile(home: Installation, name: str) -> str:
    stored = home.stored[name]
    found = stored.found_in(home.loaded.environ)
    if found is not None:
        return mask(found.reveal())
    return f"${stored.key_env} (not set)" if stored.key_env else "missing"


def _written(ref: ModelRef | None) -> str:
    return key(ref) if ref is not None else ""


def as_text(status: Mapping[str, Any], home: Installation) -> str:
    """The status for people."""
    auth = status["auth"]
    lines = [
        _line("Config", status["configPath"]),
        _line("Agent dir", status["agentDir"]),
        _line("Default", status["resolvedDefault"] or "-"),
        _counted("Fallbacks", status["fallbacks"]),
        _line("Image model", status["imageModel"] or "-"),
        _counted("Image fallbacks", status["imageFallbacks"]),
        _counted("Aliases", [f"{name} -> {to}" for name, to in status["aliases"].items()]),
        _counted("Configured models", status["allowed"]),
        "",
        "Auth overview",
        _line("Auth store", auth["storePath"]),
        _line("Shell env", _shell(auth["shellEnvFallback"])),
        *map(_provider_line, auth["providers"]),
    ]
    if auth["unusableProfiles"]:
        lines += ["", "Resting keys", *map(_resting_line, auth["unusableProfiles"])]
    if auth["oauth"]["profiles"]:
        lines += ["", "Keys that expire", *map(model_expiry.line, auth["oauth"]["profiles"])]
    if "probes" in auth:
        lines += ["", "Auth probes", *map(_probe_line, auth["probes"]["results"])]
    if auth["missingProvidersInUse"]:
        missing = (_hint(home, name) for name in auth["missingProvidersInUse"])
        lines += ["", "Missing auth", *missing]
    return "\n".join(lines)


def _line(label: str, text: str) -> str:
    return f"{label.ljust(LABEL)}: {text}"


def _counted(label: str, texts: Sequence[str]) -> str:
    return _line(f"{label} ({len(texts)})", ", ".join(texts) or "-")


def _shell(fallback: Mapping[str, Any]) -> str:
    applied = ", ".join(fallback["appliedKeys"])
    return ("on" if fallback["enabled"] else "off") + (f" (applied: {applied})" if applied else "")


def _provider_line(entry: Mapping[str, Any]) -> str:
    effective, profiles = entry["effective"], entry["profiles"]
    parts = [f"- {entry['provider']} effective={effective['kind']}:{effective['detail']}"]
    if profiles["count"]:
        labels = ", ".join(profiles["labels"])
        parts.append(f"profiles={profiles['count']} (api_key={profiles['apiKey']}) {labels}")
    if "env" in entry:
        parts.append(f"env={entry['env']['value']} ({entry['env']['source']})")
    if "modelsJson" in entry:
        parts.append(f"config={entry['modelsJson']['value']}")
    return " | ".join(parts)


def _resting_line(entry: Mapping[str, Any]) -> str:
    seconds = entry["remainingMs"] // 1000
    left = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f"- {entry['profileId']} {entry['kind']} ({entry['reason']}), {left} left"


def _probe_line(entry: Mapping[str, Any]) -> str:
    took = f" {entry['latencyMs']} ms" if entry.get("latencyMs") is not None else ""
    told = f": {entry['error']}" if entry.get("error") else ""
    return f"- {entry['provider']} {entry['label']} {entry['status']}{took}{told}"


def _hint(home: Installation, name: str) -> str:
    manifest = home.manifests.get(name)
    variable = f", or set {manifest.env[0]}" if manifest and manifest.env else ""
    return f"- {name}: run `genesis models auth login --provider {name}` or `genesis onboard`{variable}."
