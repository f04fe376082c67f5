/// What an account may do beyond a student: given by an operator or an import, never by a registration.
package struct Privileges: Sendable {
    /// What the person is in the school.
    package var role = Role.student
    /// Whether the person works for the school.
    package var isStaff = false
    /// Whether the person may do everything on the platforms; counts for `ListReaders.staff`.
    package var isSuperuser = false

    /// Those of a student where nothing else is said.
    package init(role: Role = .student, isStaff: Bool = false, isSuperuser: Bool = false) {
        self.role = role
        self.isStaff = isStaff
        self.isSuperuser = isSuperuser
    }
}
