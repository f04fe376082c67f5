/// What an account may do beyond a student: given by an operator or an import, never by a registration.
package struct Privileges: Sendable {
    package var role = Role.student
    package var isStaff = false
    package var isSuperuser = false

    package init(role: Role = .student, isStaff: Bool = false, isSuperuser: Bool = false) {
        self.role = role
        self.isStaff = isStaff
        self.isSuperuser = isSuperuser
    }
}
