"""Accounts: people, their roles, and the authority each works for."""

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.base import Base, Key
from tracing.models.directory import Authority
from workflows.policies import Role as RoleName

role_of_account = Table(
    "role_of_account",
    Base.metadata,
    Column("account_id", Integer, ForeignKey("account.id"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    """One of the roles of `workflows.policies.Role`."""

    __tablename__ = "role"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Account(Base, UserMixin):
    """A person who signs in; belongs to one authority."""

    __tablename__ = "account"

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    language: Mapped[str] = mapped_column(String(5), default="en")
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    tf_phone_number: Mapped[str | None] = mapped_column(String(128))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(
        MutableList.as_mutable(AsaList())
    )

    authority: Mapped[Authority] = relationship(lazy="joined", innerjoin=True)
    roles: Mapped[list[RoleMixin]] = relationship(
        "Role", secondary=role_of_account, lazy="selectin"
    )

    @property
    def role_names(self) -> frozenset[RoleName]:
        """Return the roles as the policies know them."""
        return frozenset(RoleName(role.name) for role in self.roles)
