import Foundation
import JSON
import Testing

/// JSONTestSuite's files: `y_` is JSON, `n_` is not, `i_` is for each parser to decide.
struct VectorTests {
    /// What Homeroom decides where RFC 8259 leaves the choice.
    static let decisions: [String: Outcome] = [
        "i_number_double_huge_neg_exp.json": .accepted([0.0]),
        "i_number_huge_exp.json": .refused(.numberTooLarge),
        "i_number_neg_int_huge_exp.json": .refused(.numberTooLarge),
        "i_number_pos_double_huge_exp.json": .refused(.numberTooLarge),
        "i_number_real_neg_overflow.json": .refused(.numberTooLarge),
        "i_number_real_pos_overflow.json": .refused(.numberTooLarge),
        "i_number_real_underflow.json": .accepted([0.0]),
        "i_number_too_big_neg_int.json": .accepted([-1.2312312312312312e+29]),
        "i_number_too_big_pos_int.json": .accepted([1e+20]),
        "i_number_very_big_negative_int.json": .accepted([-2.3746237467327689e+47]),
        "i_object_key_lone_2nd_surrogate.json": .refused(.loneSurrogate),
        "i_string_1st_surrogate_but_2nd_missing.json": .refused(.loneSurrogate),
        "i_string_1st_valid_surrogate_2nd_invalid.json": .refused(.loneSurrogate),
        "i_string_UTF-16LE_with_BOM.json": .refused(.valueExpected),
        "i_string_UTF-8_invalid_sequence.json": .refused(.notUTF8),
        "i_string_UTF8_surrogate_U+D800.json": .refused(.notUTF8),
        "i_string_incomplete_surrogate_and_escape_valid.json": .refused(.loneSurrogate),
        "i_string_incomplete_surrogate_pair.json": .refused(.loneSurrogate),
        "i_string_incomplete_surrogates_escape_valid.json": .refused(.loneSurrogate),
        "i_string_invalid_lonely_surrogate.json": .refused(.loneSurrogate),
        "i_string_invalid_surrogate.json": .refused(.loneSurrogate),
        "i_string_invalid_utf-8.json": .refused(.notUTF8),
        "i_string_inverted_surrogates_U+1D11E.json": .refused(.loneSurrogate),
        "i_string_iso_latin_1.json": .refused(.notUTF8),
        "i_string_lone_second_surrogate.json": .refused(.loneSurrogate),
        "i_string_lone_utf8_continuation_byte.json": .refused(.notUTF8),
        "i_string_not_in_unicode_range.json": .refused(.notUTF8),
        "i_string_overlong_sequence_2_bytes.json": .refused(.notUTF8),
        "i_string_overlong_sequence_6_bytes.json": .refused(.notUTF8),
        "i_string_overlong_sequence_6_bytes_null.json": .refused(.notUTF8),
        "i_string_truncated-utf-8.json": .refused(.notUTF8),
        "i_string_utf16BE_no_BOM.json": .refused(.valueExpected),
        "i_string_utf16LE_no_BOM.json": .refused(.valueExpected),
        "i_structure_500_nested_arrays.json": .refused(.tooDeep),
        "i_structure_UTF-8_BOM_empty_object.json": .refused(.valueExpected),
    ]

    enum Outcome: Equatable, Sendable {
        case accepted(JSON)
        case refused(JSON.ParseError.Reason)
    }

    static let folder = Bundle.module.resourceURL?.appending(path: "Vectors/test_parsing")

    static func files(_ prefix: String) throws -> [URL] {
        let all = try FileManager.default.contentsOfDirectory(at: #require(folder), includingPropertiesForKeys: nil)
        return all.filter { $0.lastPathComponent.hasPrefix(prefix) }
    }

    static func outcome(of file: URL) throws -> Outcome {
        let bytes = [UInt8](try Data(contentsOf: file))
        do throws(JSON.ParseError) {
            return .accepted(try JSON.parse(bytes))
        } catch {
            return .refused(error.reason)
        }
    }

    @Test func `every y file is accepted and reads back equal after writing`() throws {
        let files = try Self.files("y_")

        #expect(files.count == 95)
        for file in files {
            let json = try JSON.parse([UInt8](try Data(contentsOf: file)))
            #expect(try JSON.parse(json.bytes) == json, "\(file.lastPathComponent)")
        }
    }

    @Test func `every n file is refused`() throws {
        let files = try Self.files("n_")

        #expect(files.count == 188)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            #expect(throws: JSON.ParseError.self, "\(file.lastPathComponent)") { try JSON.parse(bytes) }
        }
    }

    @Test func `every i file has the outcome decided here, and every decision has a file`() throws {
        let files = try Self.files("i_")

        let outcomes = try files.map { ($0.lastPathComponent, try Self.outcome(of: $0)) }

        #expect(Dictionary(uniqueKeysWithValues: outcomes) == Self.decisions)
    }
}
